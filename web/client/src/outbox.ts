// What is to be sent, and what is known of it. Nothing here waits or calls: next()
// says what to do, and what came of it is told to the Outbox.
//
// A message is tried with the same Random and content until it is answered. The
// server knows a repeat for 5 minutes after it accepted; 4 minutes after the
// first try that may have begun no try is made any more, the history is asked.

import type { Clock } from "./clock.ts";
import { backoff } from "./clock.ts";
import type { Answer, Message, MsgElement, SendBody } from "./types.ts";

export const repeatFor = 4 * 60_000;
const internal = 10002;
// Answers that say nothing of an earlier try: they are given before the server looks
// for repeats (the rate of calls comes first), or because it could not look.
const saysNothing = new Set([60007, internal]);

/** waiting: not tried, or to be tried again. sending: a try is under way. checking: the history is to be asked. unsent: up to the user. */
export type Stage = "waiting" | "sending" | "checking" | "unsent";

/** What became of a message that is not known to be sent: see Unsent. */
export type UnsentReason = "NotFound" | "TooMuch" | "Differs" | "NoHistory" | "NoAccess";

export interface Entry {
  readonly id: string;
  readonly groupId: string;
  readonly random: number;
  readonly body: SendBody;
  stage: Stage;
  /** The highest number of the group known at the first try; the message has a higher one. */
  base: number;
  /** A try may have reached the server without an answer. */
  unknown: boolean;
  /** When the first try that may have begun was made, by both clocks. */
  firstWall?: number;
  firstMono?: number;
  /** Why it is unsent. */
  reason?: UnsentReason;
  /** The number that it may have after all. */
  maybe?: number;
  tries: number;
  /** By the clock that does not fall. */
  notBefore: number;
}

/** What the history says of a message. */
export type Lookup = { found: Message } | { reason: UnsentReason; maybe?: number };

export class OutboxFull extends Error {
  constructor(most: number) {
    super(`${most} messages wait already`);
    this.name = "OutboxFull";
  }
}

export class Outbox {
  readonly #clock: Clock;
  readonly #most: number;
  #entries: Entry[] = [];

  constructor(clock: Clock, most: number) {
    this.#clock = clock;
    this.#most = most;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  get(id: string): Entry | undefined {
    return this.#entries.find((e) => e.id === id);
  }

  add(id: string, groupId: string, random: number, body: SendBody): Entry {
    if (this.#entries.length >= this.#most) throw new OutboxFull(this.#most);
    const entry: Entry = { id, groupId, random, body, stage: "waiting", base: 0, unknown: false, tries: 0, notBefore: 0 };
    this.#entries.push(entry);
    return entry;
  }

  /**
   * next is what to do now, one thing at a time: to try a message that is
   * "waiting" or to look up one that is "checking". A message waits for those of
   * its group that were added before it, unless they are up to the user.
   */
  next(): Entry | undefined {
    if (this.#entries.some((e) => e.stage === "sending")) return undefined;
    return this.#due().find((e) => e.notBefore <= this.#clock.mono());
  }

  /** How many milliseconds until next() may have something, if nothing happens; Infinity for never. */
  wait(): number {
    const now = this.#clock.mono();
    return this.#due().reduce((least, e) => Math.min(least, Math.max(0, e.notBefore - now)), Infinity);
  }

  #due(): Entry[] {
    const groups = new Set<string>();
    const due: Entry[] = [];
    for (const e of this.#entries) {
      if (e.stage === "unsent" || groups.has(e.groupId)) continue;
      groups.add(e.groupId);
      if (e.stage === "waiting" && this.expired(e)) {
        e.stage = "checking";
        e.tries = 0;
        e.notBefore = 0;
      }
      due.push(e);
    }
    return due;
  }

  /**
   * expired: no try may be made any more, the server might not know it for a repeat.
   * The clock that does not fall may stand still while the machine sleeps, the other
   * may be set: the one that says more counts. After a reload only the other tells
   * how long it was, and if that fell nobody knows.
   */
  expired(e: Entry): boolean {
    if (!e.unknown || e.firstWall === undefined) return false;
    if (e.firstMono === undefined) return true;
    return Math.max(this.#clock.wall() - e.firstWall, this.#clock.mono() - e.firstMono) >= repeatFor;
  }

  /** A try begins. What was known of earlier ones stays. */
  begin(e: Entry, base: number): void {
    if (!e.unknown) {
      e.base = base;
      e.firstWall = this.#clock.wall();
      e.firstMono = this.#clock.mono();
    }
    e.stage = "sending";
    e.tries++;
  }

  /** The server did not begin with the try (111). */
  notBegun(e: Entry): void {
    if (e.stage === "sending") this.#again(e);
  }

  /** Nobody knows what became of the try. */
  unanswered(e: Entry): void {
    e.unknown = true;
    if (e.stage === "sending") this.#again(e);
  }

  #again(e: Entry, least = 0): void {
    e.stage = "waiting";
    e.notBefore = this.#clock.mono() + Math.max(least, backoff(this.#clock, e.tries - 1, 1000, 20_000));
  }

  /** The try was answered; false if the answer decides nothing and it will be tried again. */
  answered(e: Entry, answer: Answer): boolean {
    // A refusal has an event. Without one the server failed, nobody knows how far on.
    if (answer.ErrorCode === internal && answer.EventId === undefined) e.unknown = true;
    if (e.unknown && saysNothing.has(answer.ErrorCode)) {
      this.#again(e, (answer.RetryAfter ?? 0) * 1000);
      return false;
    }
    this.remove(e);
    return true;
  }

  /** The history could not be asked. */
  notLookedUp(e: Entry): void {
    if (e.stage !== "checking") return;
    e.tries++;
    e.notBefore = this.#clock.mono() + backoff(this.#clock, e.tries - 1, 1000, 20_000);
  }

  /** The history was asked in vain: it is up to the user. */
  notFound(e: Entry, reason: UnsentReason, maybe?: number): void {
    e.stage = "unsent";
    e.reason = reason;
    if (maybe !== undefined) e.maybe = maybe;
  }

  /** A connection begins: what waits is due. */
  connected(): void {
    for (const e of this.#entries) {
      if (e.stage === "waiting" || e.stage === "checking") {
        e.notBefore = 0;
        e.tries = 0;
      }
    }
  }

  /** A message of this user was pushed or pulled: which of those without an answer it is. */
  seen(message: Message): Entry | undefined {
    return this.#entries.find(
      (e) => e.unknown && e.stage !== "sending" && e.groupId === message.GroupId && (message.MsgSeq ?? 0) > e.base && e.random === message.Random && sameContent(e.body, message),
    );
  }

  /** The user wants an unsent message sent after all. */
  resend(e: Entry): void {
    e.stage = "waiting";
    e.unknown = false;
    e.tries = 0;
    e.notBefore = 0;
    delete e.reason;
    delete e.maybe;
    delete e.firstWall;
    delete e.firstMono;
    // It takes its place behind what was sent meanwhile.
    this.#entries = [...this.#entries.filter((other) => other !== e), e];
  }

  remove(e: Entry): void {
    this.#entries = this.#entries.filter((other) => other !== e);
  }

  /** What a reload needs. A try that is under way may have begun. */
  store(): string {
    return JSON.stringify(
      this.#entries.map(({ id, groupId, random, body, stage, base, unknown, firstWall, reason, maybe }) => ({
        id, groupId, random, body, base, firstWall, reason, maybe,
        stage: stage === "sending" ? "waiting" : stage,
        unknown: unknown || stage === "sending",
      })),
    );
  }

  /** Takes over what store gave, before what was added since. Throws if it is not that. */
  restore(text: string): Entry[] {
    const stored = JSON.parse(text) as unknown;
    if (!Array.isArray(stored)) throw new Error("what was stored is no list");
    const known = new Set(this.#entries.map((e) => e.id));
    const entries = stored.map(restoreEntry).filter((e) => !known.has(e.id));
    for (const e of entries) {
      const age = this.#clock.wall() - (e.firstWall ?? 0);
      if (e.unknown && age >= 0) e.firstMono = this.#clock.mono() - age;
    }
    this.#entries = [...entries, ...this.#entries];
    return entries;
  }
}

function restoreEntry(value: unknown): Entry {
  const e = value as Partial<Entry> | null;
  if (typeof e?.id !== "string" || typeof e.groupId !== "string" || typeof e.random !== "number" || !Array.isArray(e.body?.MsgBody)) {
    throw new Error("what was stored is no message");
  }
  return {
    id: e.id,
    groupId: e.groupId,
    random: e.random,
    body: e.body,
    stage: e.stage === "unsent" || e.stage === "checking" ? e.stage : "waiting",
    base: e.base ?? 0,
    // Without its time a try is as old as can be.
    unknown: e.unknown === true,
    firstWall: e.unknown ? (e.firstWall ?? 0) : undefined,
    reason: e.reason,
    maybe: e.maybe,
    tries: 0,
    notBefore: 0,
  };
}

/** sameContent tells whether a message has the content of a send. */
export function sameContent(body: { MsgBody?: MsgElement[]; CloudCustomData?: string }, other: { MsgBody?: MsgElement[]; CloudCustomData?: string }): boolean {
  return (body.CloudCustomData ?? "") === (other.CloudCustomData ?? "") && canonical(body.MsgBody) === canonical(other.MsgBody);
}

// canonical is JSON with sorted keys.
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) =>
    v !== null && typeof v === "object" && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1))) : v,
  ) ?? "";
}
