// An AVChatRoom's order. A room has no history to pull from: after each connect
// the server says what was last (Recent), and what is pushed before that waits.

import type { GroupNotice, Message } from "./types.ts";

/** Where a room's messages end that were handed over: the last number, and its time. */
export type RoomMark = readonly [last: number, time: number];

export class Room {
  #last: number;
  #lastTime: number;
  #holding = true;
  #held: (Message | GroupNotice)[] = [];

  /** One that was left and is joined again goes on where it ended: the server says again what was last. */
  constructor(mark: RoomMark = [0, 0]) {
    [this.#last, this.#lastTime] = mark;
  }

  get mark(): RoomMark {
    return [this.#last, this.#lastTime];
  }

  /** holding: pushes wait for Recent. */
  get holding(): boolean {
    return this.#holding;
  }

  /** A connection begins: Recent will come. */
  connected(): void {
    this.#holding = true;
  }

  /** Something was pushed. */
  pushed(thing: Message | GroupNotice): (Message | GroupNotice)[] {
    if (this.#holding) {
      this.#held.push(thing);
      return [];
    }
    return this.#unseen([thing]);
  }

  /** Recent came, ascending; or, with none, it did not come in time. */
  recent(messages: Message[]): (Message | GroupNotice)[] {
    const held = this.#held;
    this.#held = [];
    this.#holding = false;
    // What was pushed before the moment at which Recent was made is in both, but
    // for what did not fit into it, which comes first.
    const first = messages[0]?.MsgSeq ?? 0;
    const older = held.reduce((end, thing, i) => (thing.Event === "Message" && thing.MsgSeq !== undefined && thing.MsgSeq < first ? i + 1 : end), 0);
    return this.#unseen([...held.slice(0, older), ...messages, ...held.slice(older)]);
  }

  /** The room is gone, or one is out of it: what waits for Recent waits no longer. */
  end(): (Message | GroupNotice)[] {
    return this.recent([]);
  }

  #unseen(things: (Message | GroupNotice)[]): (Message | GroupNotice)[] {
    return things.filter((thing) => {
      if (thing.Event !== "Message" || thing.MsgSeq === undefined) return true;
      // Times do not fall as numbers rise. A lower number with a later time is
      // of a room that was founded anew under the same id.
      if (thing.MsgSeq <= this.#last && thing.MsgTime <= this.#lastTime) return false;
      this.#last = thing.MsgSeq;
      this.#lastTime = thing.MsgTime;
      return true;
    });
  }
}
