// The order of the chat page, which stands on the library.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Timeline } from "../../demo/src/timeline.ts";
import type { Message, Placeholder } from "../src/types.ts";

const message = (seq: number): Message => ({
  Event: "Message", GroupId: "g", Type: "Public", From_Account: "bob", MsgSeq: seq, MsgTime: 1, Random: seq,
  MsgPriority: "Normal", MsgBody: [], OnlineOnlyFlag: 0,
});
const place = (from: number, to: number): Placeholder => ({ Event: "Placeholder", GroupId: "g", from, to, PlaceReason: "Deleted" });
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const shown = (t: Timeline) => t.items.flatMap((i) => (i.kind === "message" ? [i.message.MsgSeq!] : i.kind === "place" ? range(i.from, i.to) : []));

/** What the page does at "earlier", with a history of messages alone. */
const earlier = (t: Timeline) => t.before(range(Math.max(1, t.first - 30), t.first - 1).map(message));

test("earlier goes on where what is shown begins, and stays while more comes", () => {
  const t = new Timeline();
  for (let seq = 1001; seq <= 2000; seq++) t.came(message(seq), "alice");
  assert.equal(t.items.length, 600);
  assert.equal(t.first, 1401);
  for (let i = 0; i < 3; i++) earlier(t);
  for (let seq = 2001; seq <= 2100; seq++) t.came(message(seq), "alice");
  assert.deepEqual(shown(t), range(1311, 2100));
  earlier(t);
  assert.deepEqual(shown(t), range(1281, 2100));
});

test("where notices alone are left, earlier begins below the next number", () => {
  const t = new Timeline();
  t.came(message(50), "alice");
  for (let i = 0; i < 700; i++) t.happened({ Event: "GroupChanged", GroupId: "g", Name: String(i) });
  assert.equal(t.first, 51);
  earlier(t);
  assert.deepEqual(shown(t), range(21, 50));
});

test("a placeholder that came is not shown once more by the history", () => {
  const t = new Timeline();
  t.came(place(5, 6), "alice");
  t.before([message(4), place(5, 5), place(6, 6)]);
  assert.deepEqual(shown(t), [4, 5, 6]);
});
