import assert from "node:assert/strict";
import { test } from "node:test";
import { Groups, type Push } from "../src/groups.ts";
import { Rpc } from "../src/rpc.ts";
import { Room } from "../src/room.ts";
import type { Out } from "../src/stream.ts";
import type { GroupNotice, Message } from "../src/types.ts";
import { TestClock } from "./clock.ts";

const message = (seq: number, time = 1000 + seq): Message => ({
  Event: "Message", GroupId: "r", Type: "AVChatRoom", From_Account: "bob", MsgSeq: seq, MsgTime: time, Random: seq,
  MsgPriority: "Normal", MsgBody: [], OnlineOnlyFlag: 0,
});
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => message(from + i));
const seqs = (out: (Out | Message | GroupNotice)[]) => out.map((o) => (o.Event === "Message" ? o.MsgSeq : o.Event));

test("pushes wait for Recent, and each message comes once", () => {
  const cases: { name: string; held: Message[]; recent: Message[]; want: number[] }[] = [
    { name: "Recent has it all", held: range(3, 4), recent: range(1, 4), want: [1, 2, 3, 4] },
    { name: "Recent was made before the pushes", held: range(5, 6), recent: range(1, 4), want: [1, 2, 3, 4, 5, 6] },
    { name: "in between", held: range(4, 6), recent: range(2, 5), want: [2, 3, 4, 5, 6] },
    { name: "more was pushed than Recent holds", held: range(1, 60), recent: range(11, 60), want: range(1, 60).map((m) => m.MsgSeq!) },
    { name: "nothing was recent", held: range(7, 8), recent: [], want: [7, 8] },
  ];
  for (const c of cases) {
    const room = new Room();
    for (const m of c.held) assert.deepEqual(room.pushed(m), [], c.name);
    assert.deepEqual(seqs(room.recent(c.recent)), c.want, c.name);
    assert.deepEqual(seqs(room.pushed(c.recent.at(-1) ?? c.held.at(-1)!)), [], `${c.name}: a repeat`);
    assert.deepEqual(seqs(room.pushed(message(100))), [100], `${c.name}: a hole is no gap`);
  }
});

test("a reconnect hands over what was not seen", () => {
  const room = new Room();
  room.recent(range(1, 3));
  room.connected();
  assert.deepEqual(room.pushed(message(6)), []);
  assert.deepEqual(seqs(room.recent(range(2, 6))), [4, 5, 6]);
});

test("a room founded anew while away begins again", () => {
  const room = new Room();
  room.recent(range(500, 510));
  room.connected();
  assert.deepEqual(seqs(room.recent([message(1, 9000), message(2, 9001)])), [1, 2]);
});

function roomAtServer(list: object[]) {
  const clock = new TestClock();
  const out: Out[] = [];
  const calls: string[] = [];
  const groups = new Groups({
    userID: "alice",
    clock,
    rpc: new Rpc(async (method) => {
      calls.push(method);
      return { ActionStatus: "OK", ErrorCode: 0, ErrorInfo: "", TotalCount: list.length, GroupIdList: list };
    }),
    connected: () => true,
    out: (thing) => out.push(thing),
    changed: () => {},
    lastSeq: () => undefined,
    trouble: (e) => assert.fail(String(e)),
  });
  return { clock, out, calls, groups };
}

test("a room is held for two seconds at most, and never pulled", async () => {
  const { clock, out, calls, groups } = roomAtServer([]);
  groups.connected();
  groups.pushed(message(5));
  groups.pushed(message(9));
  await clock.pass(1999);
  assert.deepEqual(seqs(out), []);
  await clock.pass(1);
  assert.deepEqual(seqs(out), [5, 9]);
  groups.pushed({ Event: "Recent", GroupId: "r", MessageList: range(3, 9) } as Push);
  groups.pushed(message(12));
  await clock.pass(10_000);
  assert.deepEqual(seqs(out), [5, 9, 12]);
  assert.ok(!calls.includes("group_msg_get_simple"));
});

const self = [{ Member_Account: "alice" }];
const joined = { Event: "MemberJoined", GroupId: "r", JoinType: "Apply", Operator_Account: "alice", MemberList: self, EventTime: 1 } as Push;
const left = { Event: "MemberLeft", GroupId: "r", ExitType: "Quit", Operator_Account: "alice", MemberList: self, EventTime: 1 } as Push;

test("who joins a room while connected hears Recent first, and then that he joined", async () => {
  const profile = { GroupId: "r", Type: "AVChatRoom", Name: "r", NextMsgSeq: 5, MemberNum: 1, CreateTime: 1, SelfInfo: { JoinSeq: 1, MsgSeq: 0, UnreadMsgNum: 0, MuteUntil: 0, Role: "Member" } };
  const list: object[] = [];
  const { clock, out, groups } = roomAtServer(list);
  groups.connected();
  await clock.pass(100);
  list.push(profile);
  groups.pushed({ Event: "Recent", GroupId: "r", MessageList: range(3, 4) } as Push);
  groups.pushed(joined);
  groups.pushed(message(5));
  await clock.pass(100);
  groups.pushed(message(6));
  assert.deepEqual(seqs(out), [3, 4, "MemberJoined", 5, 6]);
});

test("a room that one leaves and joins again hands over each message once", async () => {
  const { clock, out, groups } = roomAtServer([]);
  groups.connected();
  await clock.pass(100);
  groups.pushed({ Event: "Recent", GroupId: "r", MessageList: [] } as Push);
  groups.pushed(joined);
  for (const m of range(1, 2)) groups.pushed(m);
  groups.pushed(left);
  groups.pushed({ Event: "Recent", GroupId: "r", MessageList: range(1, 3) } as Push);
  groups.pushed(joined);
  await clock.pass(5000);
  assert.deepEqual(seqs(out), ["MemberJoined", 1, 2, "MemberLeft", 3, "MemberJoined"]);
});

test("a room that was dissolved and founded anew begins again, in the same second too", async () => {
  const { clock, out, groups } = roomAtServer([]);
  groups.connected();
  await clock.pass(100);
  groups.pushed({ Event: "Recent", GroupId: "r", MessageList: [] } as Push);
  groups.pushed(joined);
  groups.pushed(message(1, 50));
  groups.pushed({ Event: "GroupDissolved", GroupId: "r", Operator_Account: "bob" } as Push);
  groups.pushed({ Event: "Recent", GroupId: "r", MessageList: [message(1, 50)] } as Push);
  groups.pushed(joined);
  assert.deepEqual(seqs(out), ["MemberJoined", 1, "GroupDissolved", 1, "MemberJoined"]);
});

test("what others say in a ChatRoom or an AVChatRoom counts as unread nowhere", async () => {
  for (const [Type, want] of [["ChatRoom", 0], ["AVChatRoom", 0], ["Public", 1]] as const) {
    const profile = { GroupId: "r", Type, Name: "r", NextMsgSeq: 5, MemberNum: 2, CreateTime: 1, SelfInfo: { JoinSeq: 5, MsgSeq: 0, UnreadMsgNum: 0, MuteUntil: 0, Role: "Member" } };
    const { clock, groups } = roomAtServer([profile]);
    groups.connected();
    await clock.pass(100);
    if (Type === "AVChatRoom") groups.pushed({ Event: "Recent", GroupId: "r", MessageList: [] } as Push);
    groups.pushed({ ...message(5), From_Account: "bob", Type } as Push);
    await clock.pass(100);
    assert.equal(groups.list()[0]!.NextMsgSeq, 6, Type);
    assert.equal(groups.list()[0]!.SelfInfo.UnreadMsgNum, want, Type);
  }
});
