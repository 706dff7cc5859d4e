// What one user sees of one group: messages in their order, what happened between
// them, and what is on its way or was refused, where it was said.

import type { Message, Notice, Outgoing, Placeholder, Refused, Unsent, Waiting } from "../../client/src/index.ts";

export interface Said { kind: "message"; key: string; message: Message; recalled: boolean }
export interface Place { kind: "place"; key: string; from: number; to: number; reason: string }
export interface Happened { kind: "notice"; key: string; notice: Notice }
export interface Own {
  kind: "own";
  key: string;
  id: string;
  groupId: string;
  random: number;
  text: string;
  at: number;
  state: "sending" | "sent" | "dropped" | "refused" | "unsent";
  refused?: Refused;
  refusedAt?: number;
  unsent?: Unsent;
  dropReason?: string;
}
export type Item = Said | Place | Happened | Own;

const most = 600; // items of a group that are kept, beside those that were asked for

export const textOf = (body: Message["MsgBody"]) => body.map((e) => (typeof e.MsgContent.Text === "string" ? e.MsgContent.Text : `(${e.MsgType})`)).join("");

export class Timeline {
  items: Item[] = [];
  /** The lowest number that is shown; Infinity for none. */
  first = Infinity;
  /** The highest. */
  last = 0;
  /** The history was asked for its newest part. */
  begun = false;
  #notices = 0;
  #most = most;

  /** What came by itself: each number once, ascending. */
  came(thing: Message | Placeholder, self: string): void {
    if (thing.Event === "Placeholder") {
      const from = Math.max(thing.from, this.last + 1);
      const shown = thing.PlaceReason !== "BeforeJoin" && from <= thing.to;
      this.last = Math.max(this.last, thing.to);
      if (!shown) return;
      this.first = Math.min(this.first, from);
      this.#push(place({ ...thing, from }));
      return;
    }
    if (thing.MsgSeq !== undefined) {
      if (thing.MsgSeq <= this.last) return;
      this.last = thing.MsgSeq;
      this.first = Math.min(this.first, thing.MsgSeq);
    }
    // It takes its place in the order, and is no more on its way.
    if (thing.From_Account === self) this.items = this.items.filter((i) => i.kind !== "own" || i.random !== thing.Random || i.state === "refused");
    this.#push(said(thing));
  }

  /** The history before what is shown. */
  before(things: (Message | Placeholder)[]): void {
    const older = things.filter((t) => (t.Event === "Placeholder" ? t.to : t.MsgSeq!) < this.first);
    if (older.length > 0) {
      const seqs = older.map((t) => (t.Event === "Placeholder" ? t.from : t.MsgSeq!));
      this.first = Math.min(this.first, ...seqs);
      this.last = Math.max(this.last, ...seqs);
    }
    this.items = [...older.filter((t) => t.Event === "Message" || t.PlaceReason !== "BeforeJoin").map((t) => (t.Event === "Message" ? said(t) : place(t))), ...this.items];
    this.#most = Math.max(this.#most, this.items.length + most); // nobody loses what he has just asked for
  }

  happened(notice: Notice): void {
    if (notice.Event === "Read") return;
    if (notice.Event === "MsgRecalled") this.recalled(notice.MsgSeqList.map((m) => m.MsgSeq));
    this.#push({ kind: "notice", key: `n${++this.#notices}`, notice });
  }

  recalled(seqs: number[]): void {
    this.items = this.items.map((i) => (i.kind === "message" && seqs.includes(i.message.MsgSeq ?? 0) ? { ...i, recalled: true } : i));
  }

  sending(out: Outgoing | Waiting): void {
    const own: Own = { kind: "own", key: "o" + out.id, id: out.id, groupId: out.groupId, random: out.random, text: textOf(out.body.MsgBody), at: Date.now(), state: "sending" };
    this.items = this.items.filter((i) => i.key !== own.key);
    this.#push(own);
  }

  change(id: string, change: Partial<Own>): void {
    this.items = this.items.map((i) => (i.kind === "own" && i.id === id ? { ...i, ...change } : i));
  }

  remove(id: string): void {
    this.items = this.items.filter((i) => i.kind !== "own" || i.id !== id);
  }

  // What is on its way stands last: its number comes after all that is there.
  #push(item: Item): void {
    let at = this.items.length;
    if (item.kind !== "own") while (at > 0 && onItsWay(this.items[at - 1]!)) at--;
    this.items = [...this.items.slice(0, at), item, ...this.items.slice(at)];
    if (this.items.length <= this.#most) return;
    this.items = this.items.slice(-this.#most);
    // Where no number is left, what comes before begins below the next one.
    this.first = this.items.reduce(
      (first, i) => Math.min(first, i.kind === "message" ? (i.message.MsgSeq ?? first) : i.kind === "place" ? i.from : first),
      this.last > 0 ? this.last + 1 : Infinity,
    );
  }
}

const onItsWay = (i: Item) => i.kind === "own" && (i.state === "sending" || i.state === "sent");
const said = (message: Message): Said => ({ kind: "message", key: message.MsgSeq === undefined ? `r${message.Random}` : `m${message.MsgSeq}`, message, recalled: false });
const place = (p: Placeholder): Place => ({ kind: "place", key: `p${p.from}`, from: p.from, to: p.to, reason: p.PlaceReason });
