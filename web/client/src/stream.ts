// One group's order. Nothing here waits or calls: what comes in is told to a
// Stream, what it returns is to be handed over, and next() says what to pull.
//
// Every number of the group leaves once and in order, as a message or within a
// placeholder. A thing without a number leaves when all numbers that were known
// when it came have left, which is its place in the order of commits.

import type { GroupNotice, Message, Placeholder, PlaceReason } from "./types.ts";

export type Out = Message | Placeholder | GroupNotice;

/** One number: its message, or why there is none. */
export type Numbered = { seq: number; message: Message } | { seq: number; reason: PlaceReason };

/** Numbers to ask for in one call. */
export interface Page {
  from: number;
  to: number;
}

/** What the list of one's groups says of this one. */
export interface Listed {
  head: number;
  joinSeq: number;
  created: number;
}

export const pageSize = 20;
const pagesAtOnce = 2;
// How far pages may run ahead of one whose answer is slow.
const pullAhead = 4 * pageSize;
// Pushes that wait for a lower number. What comes beyond is pulled later.
const heldMost = 1000;
// A number that answers leave out, although all are promised, is given up.
const fruitlessMost = 5;

export class Stream {
  readonly #group: string;
  // Numbers up to #last have left; #head is the highest that is known to exist.
  #last: number | undefined;
  #head = 0;
  #created: number | undefined;
  // After each connect nothing leaves until the list was answered: it may tell
  // that the group was founded anew, and then the numbers mean something else.
  #open = false;
  readonly #held = new Map<number, Numbered>();
  #waiting: { after: number; thing: GroupNotice | Message }[] = [];
  readonly #flight = new Set<Page>();
  #fruitless = 0;
  // Of this connection: where pushes began and ended, and what was held before.
  #pushLow = Infinity;
  #pushHigh = 0;
  #heldBefore = new Set<number>();

  constructor(group: string, last?: number, created?: number) {
    this.#group = group;
    this.#last = last;
    this.#head = last ?? 0;
    this.#created = created;
  }

  get last(): number | undefined {
    return this.#last;
  }
  get head(): number {
    return this.#head;
  }
  get created(): number | undefined {
    return this.#created;
  }
  get open(): boolean {
    return this.#open;
  }

  /** missing: there are numbers that were not handed over. */
  get missing(): boolean {
    return this.#open && this.#last !== undefined && this.#last < this.#head;
  }

  /** holds: something waits for its turn. */
  get holds(): boolean {
    return this.#held.size > 0 || this.#waiting.length > 0;
  }

  /** pulling: a page is being asked for. */
  get pulling(): boolean {
    return this.#flight.size > 0;
  }

  /** A connection begins. Nothing leaves until the list was answered. */
  connected(): void {
    this.#open = false;
    this.#flight.clear();
    this.#pushLow = Infinity;
    this.#pushHigh = 0;
    this.#heldBefore = new Set(this.#held.keys());
  }

  /**
   * The list was answered. A group that is seen for the first time begins behind
   * what it has; pushes of this connection count, wherever the answer came among
   * them. A group that was founded anew under the same id begins again.
   */
  listed(info: Listed): Out[] {
    const refounded =
      this.#created !== undefined && info.created !== 0
        ? this.#created !== info.created
        : this.#last !== undefined && info.head < this.#last;
    const out: Out[] = refounded ? this.#restart() : [];
    this.#created = info.created || this.#created;
    this.#head = Math.max(this.#head, info.head, this.#pushHigh);
    if (this.#last === undefined) this.#last = Math.max(Math.min(info.head, this.#pushLow - 1), info.joinSeq - 1);
    this.#open = true;
    return [...out, ...this.#fill(Math.min(info.joinSeq - 1, this.#head), "BeforeJoin")];
  }

  /** A number was pushed. */
  pushed(item: Numbered): Out[] {
    this.#pushLow = Math.min(this.#pushLow, item.seq);
    this.#pushHigh = Math.max(this.#pushHigh, item.seq);
    this.#head = Math.max(this.#head, item.seq);
    if (this.#held.size < heldMost || item.seq === (this.#last ?? 0) + 1) this.#hold(item);
    return this.#drain();
  }

  /** Something without a number came: a notice, or a message that is online only. */
  happened(thing: GroupNotice | Message): Out[] {
    if (thing.Event === "MsgRecalled") {
      // What is recalled exists, even if its push is still to come or was lost.
      for (const { MsgSeq } of thing.MsgSeqList) this.#head = Math.max(this.#head, MsgSeq);
    }
    this.#waiting.push({ after: this.#head, thing });
    return this.#drain();
  }

  /**
   * next is the page to pull now, the lowest that is missing, or undefined: there
   * is none, or enough are being pulled.
   */
  next(): Page | undefined {
    if (!this.missing || this.#flight.size >= pagesAtOnce) return undefined;
    let from = this.#last! + 1;
    for (;;) {
      const page = [...this.#flight].find((p) => p.from <= from && from <= p.to);
      if (page) from = page.to + 1;
      else if (this.#held.has(from)) from++;
      else break;
    }
    if (from > this.#head || from > this.#last! + pullAhead) return undefined;
    let to = Math.min(from + pageSize - 1, this.#head);
    for (const p of this.#flight) if (p.from > from) to = Math.min(to, p.from - 1);
    while (to > from && this.#held.has(to)) to--;
    const page = { from, to };
    this.#flight.add(page);
    return page;
  }

  /** A page was answered. */
  pulled(page: Page, items: Numbered[]): Out[] {
    // The group may have ended or begun anew while it was asked for.
    if (!this.#flight.delete(page)) return [];
    let found = false;
    for (const item of items) {
      if (item.seq >= page.from && item.seq <= page.to) found = this.#hold(item) || found;
    }
    this.#fruitless = found ? 0 : this.#fruitless + 1;
    if (this.#fruitless >= fruitlessMost) {
      this.#fruitless = 0;
      for (let seq = page.from; seq <= page.to; seq++) this.#hold({ seq, reason: "Unavailable" });
    }
    return this.#drain();
  }

  /** A page was not answered: it is missing again. */
  failed(page: Page): void {
    this.#flight.delete(page);
  }

  /** The history may not be read: what is missing will never come. */
  refused(page: Page): Out[] {
    if (!this.#flight.delete(page)) return [];
    return this.#fill(this.#head, "Unavailable");
  }

  /**
   * One is out of the group. All that waits leaves, what is missing as
   * Unavailable. With `gone` the group itself is, and its numbers with it.
   */
  end(gone: boolean): Out[] {
    const out = this.#flush("Unavailable");
    this.connected();
    if (gone) this.#forget();
    return out;
  }

  // restart hands over what is left of the old group, and keeps what was pushed
  // of the new one.
  #restart(): Out[] {
    const fresh = [...this.#held.values()].filter((item) => !this.#heldBefore.has(item.seq));
    for (const item of fresh) this.#held.delete(item.seq);
    const out = this.#flush("Unavailable");
    this.#forget();
    for (const item of fresh) this.#held.set(item.seq, item);
    return out;
  }

  #forget(): void {
    this.#last = undefined;
    this.#created = undefined;
    this.#head = 0;
    this.#held.clear();
    this.#flight.clear();
    this.#fruitless = 0;
  }

  #hold(item: Numbered): boolean {
    const { seq } = item;
    if ((this.#last !== undefined && seq <= this.#last) || this.#held.has(seq)) return false;
    this.#held.set(seq, item);
    return true;
  }

  #flush(reason: PlaceReason): Out[] {
    if (this.#last === undefined) {
      // A group of which no number was seen stays without a beginning.
      if (this.#held.size === 0) return this.#waiting.splice(0).map(({ thing }) => thing);
      this.#last = Math.min(...this.#held.keys()) - 1;
    }
    this.#open = true;
    return this.#fill(this.#head, reason);
  }

  // fill hands over what is held up to a number, and placeholders between.
  #fill(to: number, reason: PlaceReason): Out[] {
    const out = this.#drain();
    while (this.#open && this.#last! < to) {
      let end = to;
      for (const seq of this.#held.keys()) end = Math.min(end, seq - 1);
      this.#place(out, this.#last! + 1, end, reason);
      this.#last = end;
      this.#drain(out);
    }
    return out;
  }

  #drain(out: Out[] = []): Out[] {
    if (!this.#open || this.#last === undefined) return out;
    for (;;) {
      while (this.#waiting.length > 0 && this.#waiting[0]!.after <= this.#last) out.push(this.#waiting.shift()!.thing);
      const item = this.#held.get(this.#last + 1);
      if (!item) return out;
      this.#held.delete(item.seq);
      this.#last = item.seq;
      if ("message" in item) out.push(item.message);
      else this.#place(out, item.seq, item.seq, item.reason);
    }
  }

  // place adds to the placeholder before it, if that ends here and says the same.
  #place(out: Out[], from: number, to: number, reason: PlaceReason): void {
    const before = out[out.length - 1];
    if (before?.Event === "Placeholder" && before.to === from - 1 && before.PlaceReason === reason) before.to = to;
    else out.push({ Event: "Placeholder", GroupId: this.#group, from, to, PlaceReason: reason });
  }
}
