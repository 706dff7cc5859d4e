// The client: one user's connection with all that hangs on it.

import { realClock, type Clock } from "./clock.ts";
import { Connection, type ConnectionOptions, type State } from "./connection.ts";
import { Emitter } from "./emitter.ts";
import { Groups, type Mark, type Push } from "./groups.ts";
import { numbered, pull } from "./history.ts";
import type { Entry, Stage } from "./outbox.ts";
import { Rpc } from "./rpc.ts";
import { Sender, type Outcome, type Refused, type Unsent } from "./sender.ts";
import { Saver, type Storage } from "./storage.ts";
import { pageSize } from "./stream.ts";
import type { Answer, GroupAt, Message, MsgElement, Notice, Placeholder, Priority, Profile, SendBody, UserNotice } from "./types.ts";

export interface Options extends ConnectionOptions {
  /** The server's public address, as in "https://chat.example.org". */
  url: string;
  sdkAppID: number;
  userID: string;
  /** A UserSig. When it expires the state becomes "renew", unless there is getUserSig. */
  userSig?: string;
  /** Gets a UserSig from the app's own backend, at the first connect if there is none and whenever a new one is needed. If it rejects it is called again later. */
  getUserSig?: () => Promise<string>;
  /** Web, Android, iOS, Windows, Mac, iPad, macOS or Linux. */
  platform?: string;
  /** A WebSocket class, for Node.js before 22. Without one an HTTP stream is used there. */
  websocket?: unknown;
  /** Keeps unsent messages, and where each group's messages end that were handed over. Without one a reload forgets them. */
  storage?: Storage;
  /** The last number of a group that the app has itself, for an app that stores messages. Overrules `storage`. */
  lastSeq?: (groupId: string) => number | undefined;
  /** How many messages may wait in the outbox; 1000 by default. */
  outbox?: number;
}

/** How a message is sent. */
export interface SendOptions {
  /** Text that goes with the message and is not shown. */
  cloudCustomData?: string;
  /** Only to those who are online; it has no number and is in no history. */
  onlineOnly?: boolean;
  /** Normal by default. */
  priority?: Priority;
  /** Receivers within the group, at most 50; everybody by default. */
  to?: string[];
  /** Whom it names; "all" for everybody. */
  at?: string[] | "all";
}

/** A message on its way. */
export interface Outgoing {
  readonly id: string;
  readonly groupId: string;
  /** The Random under which the server knows it. */
  readonly random: number;
  readonly body: SendBody;
  /** Resolves when it is known what became of it; never rejects. */
  readonly done: Promise<Outcome>;
}

/** A message in the outbox. */
export interface Waiting {
  readonly id: string;
  readonly groupId: string;
  readonly random: number;
  readonly body: SendBody;
  readonly stage: Stage;
}

export interface Events {
  /** The connection's state changed. */
  state: State;
  /** A message, once, in the order of its group. */
  message: Message;
  /** Numbers without a message for this user, once, in the same order. */
  placeholder: Placeholder;
  /** Something that happened in a group, in the same order; or to this user. */
  notice: Notice;
  /** The server refused a message. */
  refusal: Refused;
  /** The groups one is in, after each change. */
  groups: Profile[];
  /** A message got no answer and was not found: ask the user, then resend or discard. */
  unsent: Unsent;
  /** Something failed that the client tries again by itself, or a storage that fails. */
  error: Error;
}

/** The state does not let the client connect by itself: see `state`. */
export class Stopped extends Error {
  readonly state: State;

  constructor(state: State) {
    super(state.words ?? state.status);
    this.name = "Stopped";
    this.state = state;
  }
}

const userEvents = new Set(["Application", "ApplicationHandled", "AccountMuted", "Read"]);
const groupEvents = new Set([
  "Message", "Placeholder", "Recent", "MemberJoined", "MemberLeft", "MemberChanged", "OwnerChanged", "MemberMuted", "GroupChanged", "MsgRecalled", "GroupDissolved",
]);
// Milliseconds between two writes of where the groups' messages end.
const marksEvery = 200;
// The server reads no more bytes of a call.
const bodyMost = 1 << 20;
const outboxMost = 1000;

/**
 * Parley is one user's connection to a Parley server.
 *
 * Every message of every group the user is in is handed over once and in order;
 * what was missed is fetched. A message that is sent gets an outcome, and a lost
 * answer neither loses nor doubles it.
 */
export class Parley extends Emitter<Events> {
  readonly #options: Options;
  readonly #clock: Clock;
  readonly #connection: Connection;
  readonly #rpc: Rpc;
  readonly #groups: Groups;
  readonly #sender: Sender;
  readonly #outboxSaver?: Saver;
  readonly #marksSaver?: Saver;
  readonly #loaded: Promise<void>;
  #marks: Record<string, Mark> = {};
  #marksTimer?: () => void;
  #wanted = false;
  #online = false;

  /** Throws a TypeError if url is no http or https address. `clock` is for tests. */
  constructor(options: Options, clock: Clock = realClock) {
    super();
    this.#options = options;
    this.#clock = clock;
    const { storage, userID } = options;
    const failed = (error: Error) => this.emit("error", error);
    if (storage) {
      this.#outboxSaver = new Saver(storage, this.#key("outbox"), failed);
      this.#marksSaver = new Saver(storage, this.#key("groups"), failed);
    }
    this.#connection = new Connection(options, {
      state: (state) => this.#stateChanged(state),
      connected: () => this.#connected(),
      pushed: (data) => this.#pushed(data),
      trouble: failed,
    });
    this.#rpc = new Rpc((method, data) => this.#connection.call(method, data));
    const connected = () => this.#online;
    this.#groups = new Groups({
      userID,
      clock,
      rpc: this.#rpc,
      connected,
      out: (thing) => this.#out(thing),
      changed: () => this.emit("groups", this.#groups.list()),
      lastSeq: (id) => this.#mark(id),
      trouble: failed,
    });
    this.#sender = new Sender({
      userID,
      clock,
      rpc: this.#rpc,
      most: options.outbox ?? outboxMost,
      connected,
      head: (id) => this.#groups.head(id),
      type: (id) => this.#groups.type(id),
      save: (text) => this.#outboxSaver?.save(text) ?? Promise.resolve(),
      refused: (refused) => this.emit("refusal", refused),
      unsent: (unsent) => this.emit("unsent", unsent),
    });
    this.#loaded = this.#load();
    // Where there are pages, the last moment of one.
    if (storage && typeof globalThis.addEventListener === "function") globalThis.addEventListener("pagehide", () => this.#saveMarks());
  }

  /** Where the connection is. */
  get state(): State {
    return this.#connection.state;
  }

  /** The groups one is in, as last heard, with the profile and what one is in each. */
  groups(): Profile[] {
    return this.#groups.list();
  }

  /** What waits in the outbox, in order. */
  outbox(): Waiting[] {
    return this.#sender.entries.map(({ id, groupId, random, body, stage }: Entry) => ({ id, groupId, random, body, stage }));
  }

  /**
   * Connects, and from then on comes back by itself. Resolves at the first
   * connection; rejects with Stopped if the server lets nobody in, or if
   * disconnect was called.
   */
  async connect(): Promise<void> {
    this.#wanted = true;
    await this.#loaded;
    if (!this.#wanted) throw new Stopped({ status: "offline" });
    if (this.state.status === "connected") return;
    await new Promise<void>((resolve, reject) => {
      const end = this.on("state", (state) => {
        if (state.status === "connecting" || state.status === "reconnecting") return;
        end();
        if (state.status === "connected") resolve();
        else reject(new Stopped(state));
      });
      this.#connection.connect();
    });
  }

  /** Ends the connection. What waits in the outbox stays there. */
  disconnect(): void {
    this.#wanted = false;
    this.#connection.disconnect();
  }

  /** Tells the server that this device is done, and disconnects. What waits in the outbox stays there. */
  async logout(): Promise<void> {
    this.#wanted = false;
    await this.#rpc.ask("logout", {}).catch(() => undefined);
    this.#connection.disconnect();
  }

  /** Goes on with another UserSig, in the state "renew" at once. */
  renew(userSig: string): void {
    this.#connection.renew(userSig);
    if (this.state.status === "renew") this.#connection.connect();
  }

  /**
   * Sends a message: text, or the elements of a MsgBody. It waits in the outbox
   * while there is no connection. Throws OutboxFull when too many do, and a
   * RangeError for a message that no server takes.
   */
  send(groupId: string, body: string | MsgElement[], options: SendOptions = {}): Outgoing {
    const whole = sendBody(body, options);
    // Not randomUUID, which pages without TLS do not have.
    const [random, ...rest] = crypto.getRandomValues(new Uint32Array(5)) as unknown as [number, ...number[]];
    const call = JSON.stringify({ GroupId: groupId, Random: random, ...whole });
    if (new TextEncoder().encode(call).length > bodyMost) throw new RangeError("the message is larger than 1 MB");
    const id = rest.map((n) => n.toString(16).padStart(8, "0")).join("");
    return { id, groupId, random, body: whole, done: this.#sender.add(id, groupId, random, whole) };
  }

  /** Sends an unsent message after all. Undefined if there is none of this id. */
  resend(id: string): Outgoing | undefined {
    const e = this.#sender.entries.find((entry) => entry.id === id);
    const done = this.#sender.resend(id);
    return e && done && { id, groupId: e.groupId, random: e.random, body: e.body, done };
  }

  /** Takes a message out of the outbox. False if it is not there, or is being sent at this moment. */
  discard(id: string): boolean {
    return this.#sender.discard(id);
  }

  /**
   * Calls any method of the server; see the list in docs/clients.md. Rejects with
   * Refusal (code, words), NotBegun (try again) or NoAnswer (it may have taken
   * effect). For messages use send, which does the trying again.
   */
  call<T extends object = Answer>(method: string, body: object = {}): Promise<T & Answer> {
    return this.#rpc.call<T>(method, body);
  }

  /** Tells that a group was read up to a number. */
  async read(groupId: string, seq: number): Promise<void> {
    const answer = await this.call<{ MsgReadedSeq?: number }>("msg_read", { GroupId: groupId, MsgReadedSeq: seq });
    this.#groups.read(groupId, answer.MsgReadedSeq ?? seq);
  }

  /**
   * The n messages and placeholders of a group before a number, or the newest,
   * oldest first. Fewer come only where the group begins. Rejects as call does.
   */
  async history(groupId: string, before?: number, n = pageSize): Promise<(Message | Placeholder)[]> {
    const things: (Message | Placeholder)[] = [];
    const type = this.#groups.type(groupId);
    let next = before;
    while (things.length < n && (next === undefined || next > 1)) {
      const count = Math.min(pageSize, n - things.length, (next ?? Infinity) - 1);
      const items = await pull(this.#rpc, groupId, next === undefined ? undefined : { from: next - count, to: next - 1 });
      if (items.length === 0) break;
      for (const item of items.slice(0, count)) {
        const one = numbered(groupId, type, item);
        things.push("message" in one ? one.message : { Event: "Placeholder", GroupId: groupId, from: one.seq, to: one.seq, PlaceReason: one.reason });
        next = one.seq;
      }
    }
    return things.reverse();
  }

  #key(what: string): string {
    return `parley/${this.#options.sdkAppID}/${this.#options.userID}/${what}`;
  }

  async #load(): Promise<void> {
    // Listeners are added after the constructor has returned.
    await Promise.resolve();
    const { storage } = this.#options;
    const load = async (what: string, take: (text: string | null | undefined) => void) => {
      try {
        take(storage ? await storage.load(this.#key(what)) : null);
      } catch (e) {
        this.emit("error", e instanceof Error ? e : new Error(String(e)));
      }
    };
    await load("groups", (text) => {
      if (text) this.#marks = readMarks(text);
    });
    let outbox: string | null | undefined;
    await load("outbox", (text) => {
      outbox = text;
    });
    try {
      this.#sender.restore(outbox);
    } catch (e) {
      this.emit("error", e instanceof Error ? e : new Error(String(e)));
    }
  }

  #mark(groupId: string): Mark | undefined {
    const last = this.#options.lastSeq?.(groupId);
    const mark = this.#marks[groupId];
    return last === undefined ? mark : [last, mark?.[1] ?? 0];
  }

  #stateChanged(state: State): void {
    if (state.status !== "connected" && this.#online) {
      this.#online = false;
      this.#groups.disconnected();
      this.#saveMarks();
    }
    this.emit("state", state);
  }

  #connected(): void {
    this.#online = true;
    this.#groups.connected();
    this.#sender.connected();
  }

  #pushed(data: unknown): void {
    const push = data as { Event?: string; GroupId?: string } | null;
    if (typeof push?.Event !== "string") return;
    if (userEvents.has(push.Event)) {
      const notice = push as UserNotice;
      if (notice.Event === "Read") this.#groups.read(notice.GroupId, notice.MsgReadedSeq);
      this.emit("notice", notice);
    } else if (groupEvents.has(push.Event) && typeof push.GroupId === "string") {
      this.#groups.pushed(push as Push);
    }
    // Events of a later server are ignored.
  }

  #out(thing: Message | Placeholder | Notice): void {
    if (thing.Event === "Message") {
      if (thing.From_Account === this.#options.userID) this.#sender.seen(thing);
      this.emit("message", thing);
    } else if (thing.Event === "Placeholder") {
      this.emit("placeholder", thing);
    } else {
      this.emit("notice", thing);
    }
    if (this.#marksSaver) this.#marksTimer ??= this.#clock.after(marksEvery, () => this.#saveMarks());
  }

  #saveMarks(): void {
    this.#marksTimer?.();
    this.#marksTimer = undefined;
    if (!this.#marksSaver) return;
    Object.assign(this.#marks, this.#groups.marks());
    void this.#marksSaver.save(JSON.stringify(this.#marks));
  }
}

function sendBody(body: string | MsgElement[], options: SendOptions): SendBody {
  const whole: SendBody = { MsgBody: typeof body === "string" ? [{ MsgType: "TIMTextElem", MsgContent: { Text: body } }] : body };
  if (options.priority) whole.MsgPriority = options.priority;
  if (options.cloudCustomData) whole.CloudCustomData = options.cloudCustomData;
  if (options.onlineOnly) whole.OnlineOnlyFlag = 1;
  if (options.to) whole.To_Account = options.to;
  if (options.at) {
    whole.GroupAtInfo =
      options.at === "all"
        ? [{ GroupAtAllFlag: 1 }]
        : options.at.map((account): GroupAt => ({ GroupAtAllFlag: 0, GroupAt_Account: account }));
  }
  // What is sent must not change with what the caller does to his object.
  return structuredClone(whole);
}

function readMarks(text: string): Record<string, Mark> {
  const marks: Record<string, Mark> = {};
  for (const [id, mark] of Object.entries(JSON.parse(text) as Record<string, unknown>)) {
    if (Array.isArray(mark) && Number.isSafeInteger(mark[0]) && Number.isSafeInteger(mark[1])) marks[id] = [mark[0], mark[1]];
  }
  return marks;
}
