// One user at the page: his connection, and what he sees of each group.

import { Parley, Refusal, type Notice, type Outcome, type Outgoing, type Profile, type State } from "../../client/src/index.ts";
import { userSig, type Hello } from "./api";
import { refusedHere } from "./refusals";
import { Timeline } from "./timeline";
import type { Side } from "./place";

export interface Member {
  Member_Account: string;
  Role: string;
  MuteUntil: number;
}

/** Why a command failed, to be told beside what was tried. */
export interface Trouble {
  code: number;
  info: string;
}

const readPause = 400; // between two read positions that are told

// Columns must not share what is kept of unsent messages, and windows neither.
const storage = (side: Side) => ({
  load: (key: string) => sessionStorage.getItem(`${side}/${key}`),
  save: (key: string, value: string) => sessionStorage.setItem(`${side}/${key}`, value),
});

export class User {
  readonly id: string;
  readonly #client: Parley;
  readonly #timelines = new Map<string, Timeline>();
  readonly #members = new Map<string, Member[]>();
  readonly #listeners = new Set<() => void>();
  readonly #dissolved = new Set<string>();
  accountMutedUntil = 0;
  #told = new Map<string, number>();
  #readTimer: ReturnType<typeof setTimeout> | undefined;
  #drawn = false;

  constructor(hello: Hello, id: string, side: Side) {
    this.id = id;
    this.#client = new Parley({ url: hello.Server, sdkAppID: hello.SDKAppID, userID: id, getUserSig: () => userSig(id), platform: "Web", storage: storage(side) });
    const c = this.#client;
    c.on("state", (s) => {
      if (s.status !== "offline") this.#restore();
      this.#tell();
    });
    c.on("groups", () => this.#tell());
    c.on("message", (m) => {
      this.timeline(m.GroupId).came(m, id);
      this.#tell();
    });
    c.on("placeholder", (p) => {
      this.timeline(p.GroupId).came(p, id);
      this.#tell();
    });
    c.on("notice", (n) => this.#noticed(n));
    c.on("refusal", (r) => {
      refusedHere(r.eventId);
      this.#holding(r.id)?.change(r.id, { state: "refused", refused: r, refusedAt: Date.now() });
      this.#tell();
    });
    c.on("unsent", (u) => {
      this.#restore(); // it may be from an earlier life
      this.#holding(u.id)?.change(u.id, { state: "unsent", unsent: u });
      this.#tell();
    });
    // What fails is tried again by the client itself; the state tells of it.
    c.on("error", () => {});
    c.connect().catch(() => {});
  }

  end(): void {
    clearTimeout(this.#readTimer);
    this.#listeners.clear();
    this.#client.disconnect();
  }

  watch(draw: () => void): () => void {
    this.#listeners.add(draw);
    return () => this.#listeners.delete(draw);
  }

  get state(): State {
    return this.#client.state;
  }

  groups(): Profile[] {
    return this.#client.groups();
  }

  group(id: string): Profile | undefined {
    return this.groups().find((g) => g.GroupId === id);
  }

  /** Whether this user heard that a group ended. */
  dissolved(id: string): boolean {
    return this.#dissolved.has(id) && !this.group(id);
  }

  timeline(group: string): Timeline {
    let t = this.#timelines.get(group);
    if (!t) this.#timelines.set(group, (t = new Timeline()));
    return t;
  }

  members(group: string): Member[] | undefined {
    return this.#members.get(group);
  }

  /** Reads what was said before, once. */
  async open(group: string): Promise<void> {
    const t = this.timeline(group);
    const g = this.group(group);
    if (t.begun || !g || g.Type === "AVChatRoom") return;
    t.begun = true;
    try {
      await this.earlier(group);
    } catch {
      t.begun = false; // it is opened again with the next connection
    }
  }

  async earlier(group: string): Promise<void> {
    const t = this.timeline(group);
    t.before(await this.#client.history(group, Number.isFinite(t.first) ? t.first : undefined, 30));
    this.#tell();
  }

  /** Sends, and shows it in the list of `shownIn` until it is known what became of it. */
  send(group: string, text: string, shownIn = group): void {
    const out = this.#client.send(group, text);
    this.timeline(shownIn).sending(out);
    this.#follow(out);
    this.#tell();
  }

  resend(id: string): void {
    const out = this.#client.resend(id);
    if (!out) return;
    this.#holding(id)?.change(id, { state: "sending" });
    this.#follow(out);
    this.#tell();
  }

  /** Takes a message that was refused or not sent out of the list, and out of the outbox. */
  discard(id: string): void {
    this.#client.discard(id);
    this.#holding(id)?.remove(id);
    this.#tell();
  }

  /** Tells the server that all of a group was seen. */
  seen(group: string): void {
    const g = this.group(group);
    const last = this.timeline(group).last;
    if (!g || g.Type === "AVChatRoom" || last <= Math.max(g.SelfInfo.MsgSeq, this.#told.get(group) ?? 0) || this.#readTimer) return;
    this.#readTimer = setTimeout(() => {
      this.#readTimer = undefined;
      const upTo = this.timeline(group).last;
      this.#told.set(group, upTo);
      this.#client.read(group, upTo).catch(() => this.#told.delete(group));
      this.#tell();
    }, readPause);
  }

  async loadMembers(group: string): Promise<void> {
    const answer = await this.#client.call<{ MemberList: Member[] }>("get_group_member_info", { GroupId: group, Limit: 100, Offset: 0 });
    this.#members.set(group, answer.MemberList ?? []);
    this.#tell();
  }

  /** Calls a command: its answer, or why it failed. */
  async call<T extends object>(method: string, body: object): Promise<{ answer?: T; trouble?: Trouble }> {
    try {
      return { answer: await this.#client.call<T>(method, body) };
    } catch (e) {
      return { trouble: e instanceof Refusal ? { code: e.code, info: e.message } : { code: 0, info: String(e) } };
    }
  }

  // What became of it if it is neither refused nor unsent, which is told anyway.
  #follow(out: Outgoing): void {
    void out.done.then((o: Outcome) => {
      const t = this.#holding(o.id);
      if (!t || o.status !== "sent") return;
      // Its push may have come already, or take its place soon. One that was
      // dropped never comes.
      if (o.dropReason) t.change(o.id, { state: "dropped", dropReason: o.dropReason });
      else if (o.seq !== undefined && o.seq <= t.last) t.remove(o.id);
      else t.change(o.id, { state: "sent" });
      this.#tell();
    });
  }

  #holding(id: string): Timeline | undefined {
    return [...this.#timelines.values()].find((t) => t.items.some((i) => i.kind === "own" && i.id === id));
  }

  // What an earlier life of the page left in the outbox.
  #restore(): void {
    for (const w of this.#client.outbox()) {
      if (this.#holding(w.id)) continue;
      this.timeline(w.groupId).sending(w);
      if (w.stage === "unsent") this.timeline(w.groupId).change(w.id, { state: "unsent" });
    }
  }

  #noticed(n: Notice): void {
    if (n.Event === "AccountMuted") this.accountMutedUntil = n.MuteUntil;
    if (n.Event === "GroupDissolved") this.#dissolved.add(n.GroupId);
    const groups = "GroupId" in n ? [n.GroupId] : this.groups().map((g) => g.GroupId);
    for (const g of groups) this.timeline(g).happened(n);
    if ("GroupId" in n && this.#members.has(n.GroupId) && this.group(n.GroupId)) this.loadMembers(n.GroupId).catch(() => {});
    this.#tell();
  }

  // Many things come at once; they are drawn once.
  #tell(): void {
    if (this.#drawn) return;
    this.#drawn = true;
    queueMicrotask(() => {
      this.#drawn = false;
      for (const draw of this.#listeners) draw();
    });
  }
}
