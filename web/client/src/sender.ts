// Does what the outbox says: tries, looks up, waits, and tells what came of it.

import type { Clock } from "./clock.ts";
import { lookup } from "./history.ts";
import { Outbox, type Entry, type UnsentReason } from "./outbox.ts";
import { NotBegun, type Rpc } from "./rpc.ts";
import type { Answer, GroupType, Message, SendBody } from "./types.ts";

/** The message is in the group. `seq` is absent if it was sent to those online only. */
export interface Sent {
  status: "sent";
  id: string;
  groupId: string;
  seq?: number;
  /** Unix seconds of the server. */
  time: number;
  /** Answered OK and yet not delivered, for this reason. */
  dropReason?: string;
}

/** The server refused the message, for good: it is sent again only if the user wants to. */
export interface Refused {
  status: "refused";
  id: string;
  groupId: string;
  body: SendBody;
  code: number;
  /** ErrorInfo, in English. */
  words: string;
  /** Seconds to wait before another try, where the server knows. */
  retryAfter?: number;
  /** The id of the event that the app's backend is told. */
  eventId?: string;
}

/**
 * There was no answer for 4 minutes, and the message was not found. Ask the user,
 * then `resend` or `discard`.
 *
 * - NotFound: it is not in the history.
 * - TooMuch: 2 000 messages came since; it may be among older ones.
 * - Differs: the number `maybe` has its Random and another content, or was
 *   recalled. It probably is this message.
 * - NoHistory: there is none, in an AVChatRoom or for a message to those online only.
 * - NoAccess: one is out of the group.
 */
export interface Unsent {
  status: "unsent";
  id: string;
  groupId: string;
  body: SendBody;
  reason: UnsentReason;
  maybe?: number;
}

/** The user discarded the message before it was known to be sent. */
export interface Discarded {
  status: "discarded";
  id: string;
  groupId: string;
}

export type Outcome = Sent | Refused | Unsent | Discarded;

export interface SenderOptions {
  userID: string;
  clock: Clock;
  rpc: Rpc;
  most: number;
  connected(): boolean;
  head(groupId: string): number;
  type(groupId: string): GroupType;
  /** Stores what a reload needs. A message is tried when this has resolved. */
  save(outbox: string): Promise<void>;
  refused(refused: Refused): void;
  unsent(unsent: Unsent): void;
}

export class Sender {
  readonly #o: SenderOptions;
  readonly #outbox: Outbox;
  readonly #waiting = new Map<string, ((outcome: Outcome) => void)[]>();
  #timer?: () => void;
  // One thing at a time; it goes on until there is nothing to do.
  #busy = false;
  // What was stored has been taken over.
  #ready = false;

  constructor(options: SenderOptions) {
    this.#o = options;
    this.#outbox = new Outbox(options.clock, options.most);
  }

  get entries(): readonly Entry[] {
    return this.#outbox.entries;
  }

  /** Takes over what an earlier life of the program stored. Nothing is sent before. */
  restore(text: string | null | undefined): void {
    try {
      if (text) {
        for (const e of this.#outbox.restore(text)) if (e.stage === "unsent") this.#o.unsent(unsentOf(e));
      }
    } finally {
      this.#ready = true;
      if (this.entries.length > 0) void this.#save();
      this.#go();
    }
  }

  add(id: string, groupId: string, random: number, body: SendBody): Promise<Outcome> {
    this.#outbox.add(id, groupId, random, body);
    const done = this.#done(id);
    void this.#save();
    this.#go();
    return done;
  }

  resend(id: string): Promise<Outcome> | undefined {
    const e = this.#outbox.get(id);
    if (e?.stage !== "unsent") return undefined;
    this.#outbox.resend(e);
    const done = this.#done(id);
    void this.#save();
    this.#go();
    return done;
  }

  discard(id: string): boolean {
    const e = this.#outbox.get(id);
    if (!e || e.stage === "sending") return false;
    this.#finish(e, { status: "discarded", id, groupId: e.groupId });
    this.#go();
    return true;
  }

  /** A connection begins. */
  connected(): void {
    this.#outbox.connected();
    this.#go();
  }

  /** A message of this user came: it may be the answer that was lost. */
  seen(message: Message): void {
    const e = this.#outbox.seen(message);
    if (e) this.#finish(e, sentAs(e, message));
  }

  #done(id: string): Promise<Outcome> {
    return new Promise((resolve) => this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), resolve]));
  }

  #go(): void {
    this.#timer?.();
    this.#timer = undefined;
    if (this.#busy || !this.#ready || !this.#o.connected()) return;
    const e = this.#outbox.next();
    if (!e) {
      const wait = this.#outbox.wait();
      if (wait < Infinity) this.#timer = this.#o.clock.after(wait, () => this.#go());
      return;
    }
    this.#busy = true;
    void (e.stage === "checking" ? this.#check(e) : this.#try(e)).finally(() => {
      this.#busy = false;
      this.#go();
    });
  }

  async #try(e: Entry): Promise<void> {
    this.#outbox.begin(e, this.#o.head(e.groupId));
    // A reload must know of a try before the server does.
    await this.#save();
    let answer: Answer;
    try {
      // To save may have taken so long that the server would not know a repeat.
      answer = this.#o.connected() && !this.#outbox.expired(e)
        ? await this.#o.rpc.ask("send_group_msg", { GroupId: e.groupId, Random: e.random, ...e.body })
        : await Promise.reject(new NotBegun("the connection, or the time for it, is gone"));
    } catch (error) {
      if (error instanceof NotBegun) this.#outbox.notBegun(e);
      else this.#outbox.unanswered(e);
      return;
    }
    if (!this.#outbox.answered(e, answer)) return;
    if (answer.ErrorCode === 0) this.#finish(e, sentBy(e, answer));
    else this.#finish(e, refusedBy(e, answer));
  }

  async #check(e: Entry): Promise<void> {
    try {
      const result = await lookup(this.#o.rpc, this.#o.userID, e, this.#o.type(e.groupId));
      // A push may have been the answer meanwhile, or the user gave it up.
      if (this.#outbox.get(e.id) !== e) return;
      if ("found" in result) {
        this.#finish(e, sentAs(e, result.found));
        return;
      }
      this.#outbox.notFound(e, result.reason, result.maybe);
      await this.#save();
      // So may it have been while that was saved.
      if (this.#outbox.get(e.id) !== e || e.stage !== "unsent") return;
      this.#tell(e.id, unsentOf(e));
      this.#o.unsent(unsentOf(e));
    } catch {
      this.#outbox.notLookedUp(e);
    }
  }

  #finish(e: Entry, outcome: Sent | Refused | Discarded): void {
    this.#outbox.remove(e);
    void this.#save();
    this.#tell(e.id, outcome);
    if (outcome.status === "refused") this.#o.refused(outcome);
  }

  #tell(id: string, outcome: Outcome): void {
    for (const resolve of this.#waiting.get(id) ?? []) resolve(outcome);
    this.#waiting.delete(id);
  }

  #save(): Promise<void> {
    return this.#ready ? this.#o.save(this.#outbox.store()) : Promise.resolve();
  }
}

function sentBy(e: Entry, answer: Answer): Sent {
  const sent: Sent = { status: "sent", id: e.id, groupId: e.groupId, time: Number(answer.MsgTime ?? 0) };
  if (answer.MsgSeq && !e.body.OnlineOnlyFlag) sent.seq = Number(answer.MsgSeq);
  if (answer.MsgDropReason) sent.dropReason = String(answer.MsgDropReason);
  return sent;
}

function sentAs(e: Entry, message: Message): Sent {
  return { status: "sent", id: e.id, groupId: e.groupId, seq: message.MsgSeq, time: message.MsgTime };
}

function refusedBy(e: Entry, answer: Answer): Refused {
  const refused: Refused = { status: "refused", id: e.id, groupId: e.groupId, body: e.body, code: answer.ErrorCode, words: answer.ErrorInfo };
  if (answer.RetryAfter !== undefined) refused.retryAfter = answer.RetryAfter;
  if (answer.EventId !== undefined) refused.eventId = answer.EventId;
  return refused;
}

function unsentOf(e: Entry): Unsent {
  return { status: "unsent", id: e.id, groupId: e.groupId, body: e.body, reason: e.reason ?? "NotFound", ...(e.maybe ? { maybe: e.maybe } : {}) };
}
