import assert from "node:assert/strict";
import { test } from "node:test";
import { Groups, type Push } from "../src/groups.ts";
import { Rpc } from "../src/rpc.ts";
import type { Out } from "../src/stream.ts";
import { TestClock } from "./clock.ts";
import { Random } from "./random.ts";
import { TestServer } from "./server.ts";

const text = (t: string) => [{ MsgType: "TIMTextElem", MsgContent: { Text: t } }];

/** Groups of alice at a test server, over a wire with delays and faults. */
class World {
  readonly rnd: Random;
  readonly clock: TestClock;
  readonly server: TestServer;
  readonly groups: Groups;
  readonly out: Out[] = [];
  readonly trouble: string[] = [];
  online = false;
  faults = false;
  #life = 0;
  #pushAt = 0;
  calls = 0;
  callsMost = 0;

  constructor(seed: number, marks: Record<string, [number, number]> = {}) {
    this.rnd = new Random(seed);
    this.clock = new TestClock(() => this.rnd.next());
    this.server = new TestServer(() => this.clock.mono());
    this.server.push = (userID, data) => {
      if (userID !== "alice" || !this.online) return;
      if (this.faults && this.rnd.chance(0.15) && "MsgSeq" in data) return;
      const life = this.#life;
      const times = this.faults && "MsgSeq" in data && this.rnd.chance(0.1) ? 2 : 1;
      // Pushes of one connection come in order, and now and then a number late.
      this.#pushAt = Math.max(this.#pushAt, this.clock.mono() + this.rnd.below(40));
      const late = this.faults && "MsgSeq" in data && this.rnd.chance(0.1) ? this.rnd.below(800) : 0;
      for (let i = 0; i < times; i++) {
        this.clock.after(this.#pushAt - this.clock.mono() + late, () => {
          if (life === this.#life) this.groups.pushed(structuredClone(data) as Push);
        });
      }
    };
    this.groups = new Groups({
      userID: "alice",
      clock: this.clock,
      rpc: new Rpc((method, body) => this.#call(method, body)),
      connected: () => this.online,
      out: (thing) => this.out.push(thing),
      changed: () => {},
      lastSeq: (id) => marks[id],
      trouble: (e) => this.trouble.push(e.message),
    });
  }

  connect(): void {
    this.#life++;
    this.online = true;
    this.groups.connected();
  }

  disconnect(): void {
    this.#life++;
    this.online = false;
    this.groups.disconnected();
  }

  #call(method: string, body: unknown): Promise<unknown> {
    const life = this.#life;
    this.callsMost = Math.max(this.callsMost, ++this.calls);
    return new Promise((resolve, reject) => {
      const fault = this.faults && this.rnd.chance(0.1);
      // The server answers at one moment, the answer comes at another.
      this.clock.after(this.rnd.below(60), () => {
        const answer = structuredClone(this.server.call("alice", method, body));
        this.clock.after(this.rnd.below(60), () => {
          this.calls--;
          if (life !== this.#life) reject({ code: 11, message: "connection closed" });
          else if (fault) reject({ code: this.rnd.chance(0.5) ? 111 : 100, message: "again", temporary: true });
          else resolve(answer);
        });
      });
    });
  }

  /** Numbers handed over in a group, a placeholder's range as its numbers with the reason. */
  numbers(id: string): { seq: number; is: string }[] {
    return this.out.filter((o) => "GroupId" in o && o.GroupId === id).flatMap((o) => {
      if (o.Event === "Message") return o.MsgSeq ? [{ seq: o.MsgSeq, is: JSON.stringify(o.MsgBody) }] : [];
      if (o.Event === "Placeholder") return Array.from({ length: o.to - o.from + 1 }, (_, i) => ({ seq: o.from + i, is: o.PlaceReason }));
      return [];
    });
  }
}

test("what was missed is pulled after a reconnect, in order, and pushes wait for it", async () => {
  const w = new World(1);
  w.server.found("g", ["alice", "bob"]);
  w.connect();
  await w.clock.pass(1000);
  w.disconnect();
  for (let i = 1; i <= 2000; i++) w.server.post("g", "bob", text(`m${i}`), i);
  w.connect();
  for (let i = 2001; i <= 2100; i++) {
    w.server.post("g", "bob", text(`m${i}`), i);
    await w.clock.pass(20);
  }
  await w.clock.pass(30_000);
  assert.deepEqual(w.numbers("g").map((n) => n.seq), Array.from({ length: 2100 }, (_, i) => i + 1));
  assert.ok(w.server.calls.every((c) => c.method !== "group_msg_get_simple" || (c.body.ReqMsgNumber as number) <= 20));
});

test("a gap is given 300 to 600 ms before it is pulled", async () => {
  const w = new World(1);
  w.server.found("g", ["alice", "bob"]);
  w.connect();
  await w.clock.pass(1000);
  w.online = false; // the first push is lost
  w.server.post("g", "bob", text("1"), 1);
  w.online = true;
  w.server.post("g", "bob", text("2"), 2);
  await w.clock.pass(299);
  assert.equal(w.server.calls.filter((c) => c.method === "group_msg_get_simple").length, 0);
  await w.clock.pass(1000);
  assert.deepEqual(w.numbers("g").map((n) => n.seq), [1, 2]);
});

test("many groups behind share eight pulls", async () => {
  const w = new World(3, Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`g${i}`, [0, 0]])));
  for (let i = 0; i < 60; i++) {
    w.server.found(`g${i}`, ["alice", "bob"]);
    for (let m = 1; m <= 50; m++) w.server.post(`g${i}`, "bob", text(`${m}`), m);
  }
  w.connect();
  await w.clock.pass(60_000);
  for (let i = 0; i < 60; i++) assert.deepEqual(w.numbers(`g${i}`).map((n) => n.seq), Array.from({ length: 50 }, (_, m) => m + 1));
  assert.ok(w.callsMost <= 8, `${w.callsMost} at once`);
});

test("a group dissolved while it is pulled ends with what is known, and the news last", async () => {
  const w = new World(4, { g: [0, 0] });
  w.server.found("g", ["alice", "bob"]);
  for (let m = 1; m <= 500; m++) w.server.post("g", "bob", text(`${m}`), m);
  w.connect();
  await w.clock.pass(500);
  w.server.dissolve("g");
  await w.clock.pass(10_000);
  assert.deepEqual(w.numbers("g").map((n) => n.seq), Array.from({ length: 500 }, (_, m) => m + 1));
  assert.equal(w.out.at(-1)?.Event, "GroupDissolved");
  assert.deepEqual(w.groups.list(), []);
});

test("a group one was removed from while away is no longer listed", async () => {
  const w = new World(5);
  w.server.found("g", ["alice", "bob"]);
  w.connect();
  await w.clock.pass(1000);
  assert.equal(w.groups.list().length, 1);
  w.disconnect();
  w.server.leave("g", "alice");
  w.connect();
  await w.clock.pass(1000);
  assert.deepEqual(w.groups.list(), []);
});

test("a targeted message of others is a placeholder, pushed or pulled", async () => {
  const w = new World(6);
  w.server.found("g", ["alice", "bob", "carol"]);
  w.connect();
  await w.clock.pass(1000);
  w.server.post("g", "bob", text("secret"), 1, { To_Account: ["carol"] });
  await w.clock.pass(1000);
  w.disconnect();
  w.server.post("g", "bob", text("secret"), 2, { To_Account: ["carol"] });
  w.server.post("g", "bob", text("all"), 3);
  w.connect();
  await w.clock.pass(1000);
  assert.deepEqual(w.numbers("g").map((n) => n.is), ["NotForYou", "NotForYou", JSON.stringify(text("all"))]);
});

test("every number of every group once and in order, with faults everywhere", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const w = new World(seed);
    // Every third one has answers of two messages at most, and lists of two groups.
    if (seed % 3 === 0) w.server.historyMost = w.server.listMost = 2;
    const ids = ["a", "b", "c"];
    for (const id of ids) w.server.found(id, ["alice", "bob"]);
    // A group's first list is its beginning: let it be known.
    w.connect();
    await w.clock.pass(2000);
    w.faults = true;
    // Every other world has much coming and going, close together.
    const churn = seed % 2 === 0;
    const left = new Set<string>();
    for (let i = 0; i < 150; i++) {
      const id = w.rnd.pick(ids);
      const act = churn ? w.rnd.pick([0, 13, 13, 17, 18, 18, 19, 19, 19]) : w.rnd.below(20);
      if (act < 13) w.server.post(id, "bob", text(`${id}${i}`), i, w.rnd.chance(0.2) ? { To_Account: ["carol"] } : {});
      else if (act < 17) await w.clock.pass(w.rnd.below(churn ? 100 : 400));
      else if (act === 17) w.disconnect();
      else if (act === 18 && !w.online) w.connect();
      else if (act === 19 && (churn || w.rnd.chance(0.3))) {
        const member = w.server.groups.get(id)!.members.has("alice");
        left.add(id);
        if (member) w.server.leave(id, "alice");
        else w.server.join(id, "alice");
      }
    }
    w.faults = false;
    for (const id of ids) if (!w.server.groups.get(id)!.members.has("alice")) w.server.join(id, "alice");
    // Half of them end without a fresh start.
    if (!w.online || w.rnd.chance(0.5)) {
      w.disconnect();
      w.connect();
    } else {
      for (const id of ids) w.server.post(id, "bob", text("last"), 0);
    }
    await w.clock.pass(120_000);
    assert.deepEqual(w.trouble, [], `seed ${seed}`);
    assert.deepEqual(w.groups.list().map((g) => g.GroupId).sort(), ids, `seed ${seed}: list`);
    for (const id of ids) {
      const items = w.server.groups.get(id)!.items;
      const got = w.numbers(id);
      assert.deepEqual(got.map((n) => n.seq), items.map((m) => m.MsgSeq), `seed ${seed}, group ${id}`);
      got.forEach((n, i) => {
        const targeted = items[i]!.To_Account !== undefined;
        if (n.is === (targeted ? "NotForYou" : JSON.stringify(items[i]!.MsgBody))) return;
        assert.ok(left.has(id) && (n.is === "BeforeJoin" || n.is === "Unavailable"), `seed ${seed}, group ${id}: ${n.seq} is ${n.is}`);
      });
    }
  }
});

test("a list that was made before one left or joined does not undo that", async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const w = new World(seed);
    w.server.found("old", ["alice", "bob"]);
    w.server.found("new", ["bob"]);
    w.connect();
    await w.clock.pass(w.rnd.below(130));
    w.server.leave("old", "alice");
    // What joins asks for another list, which would mend it.
    if (seed % 2 === 0) {
      await w.clock.pass(10_000);
      assert.deepEqual(w.groups.list(), [], `seed ${seed}`);
    }
    w.server.join("new", "alice");
    w.server.post("new", "bob", text("hello"), 1);
    await w.clock.pass(10_000);
    assert.deepEqual(w.groups.list().map((g) => g.GroupId), ["new"], `seed ${seed}`);
    assert.deepEqual(w.numbers("new").map((n) => n.seq), [1], `seed ${seed}`);
  }
});

test("the list is read on from where a short page ends, and in smaller pages when one is too large", async () => {
  const w = new World(5);
  for (let i = 0; i < 700; i++) w.server.found(`g${i}`, ["alice", "bob"]);
  w.server.listMost = 90;
  w.server.listRefusedAbove = 200;
  w.connect();
  await w.clock.pass(10_000);
  assert.equal(w.groups.list().length, 700);
  const asked = w.server.calls.filter((c) => c.method === "get_joined_group_list").map((c) => [c.body.Limit, c.body.Offset]);
  assert.deepEqual(asked.slice(0, 8), [[5000, 0], [2500, 0], [1250, 0], [625, 0], [313, 0], [157, 0], [157, 90], [157, 180]]);
  assert.equal(asked.length, 13);
});

test("messages that do not fit one answer are pulled with fewer", async () => {
  for (const [tooLarge, want] of [[0, []], [37, [37]]] as const) {
    const w = new World(7, { g: [0, 0] });
    w.server.found("g", ["alice", "bob"]);
    for (let m = 1; m <= 100; m++) w.server.post("g", "bob", text(`${m}`), m);
    w.server.historyMost = 6;
    w.server.tooLarge = tooLarge;
    w.connect();
    await w.clock.pass(30_000);
    const got = w.numbers("g");
    assert.deepEqual(got.map((n) => n.seq), Array.from({ length: 100 }, (_, m) => m + 1));
    // One that fits no answer is told of, and those around it come.
    assert.deepEqual(got.filter((n) => n.is === "Unavailable").map((n) => n.seq), want);
    assert.deepEqual(w.trouble, want.map(() => "the answer is too large"));
  }
});

for (const joins of [false, true]) test(`a list of several pages ends no group when one is left meanwhile${joins ? " and another joined" : ""}`, async () => {
  const w = new World(8);
  const ids = ["a", "b", "c", "d", "e", "f"];
  for (const id of ids) w.server.found(id, ["alice", "bob"]);
  w.server.found("z", ["bob"]);
  w.connect();
  await w.clock.pass(1000);
  w.disconnect();
  for (const id of ids) w.server.post(id, "bob", text("missed"), 1);
  w.server.listMost = 2;
  // The notices are lost, so that the pages alone can tell.
  const { push } = w.server;
  const call = w.server.call.bind(w.server);
  w.server.call = (user, method, data) => {
    const answer = call(user, method, data);
    if (method !== "get_joined_group_list" || (data as { Offset: number }).Offset !== 2 || !w.server.groups.get("a")!.members.has("alice")) return answer;
    w.server.push = () => {};
    w.server.leave("a", "alice");
    if (joins) w.server.join("z", "alice");
    w.server.push = push;
    return answer;
  };
  w.connect();
  await w.clock.pass(20_000);
  assert.deepEqual(w.groups.list().map((g) => g.GroupId).sort(), ["b", "c", "d", "e", "f", ...(joins ? ["z"] : [])]);
  for (const id of ids.slice(1)) assert.deepEqual(w.numbers(id), [{ seq: 1, is: JSON.stringify(text("missed")) }], id);
});

test("a group that two lists of several pages lack is one's no more", async () => {
  const w = new World(9);
  for (const id of ["a", "b", "c"]) w.server.found(id, ["alice", "bob"]);
  w.server.listMost = 1;
  w.connect();
  await w.clock.pass(2000);
  w.disconnect();
  w.server.leave("b", "alice");
  w.connect();
  await w.clock.pass(5000);
  assert.deepEqual(w.groups.list().map((g) => g.GroupId), ["a", "c"]);
});

test("what was read elsewhere before it came is not unread, and 999 is the most", async () => {
  const w = new World(10);
  w.server.found("g", ["alice", "bob"]);
  w.connect();
  await w.clock.pass(1000);
  w.groups.read("g", 3);
  for (let m = 1; m <= 5; m++) w.server.post("g", "bob", text(`${m}`), m);
  await w.clock.pass(1000);
  assert.equal(w.groups.list()[0]!.SelfInfo.UnreadMsgNum, 2);
  for (let m = 6; m <= 1100; m++) w.server.post("g", "bob", text(`${m}`), m);
  await w.clock.pass(1000);
  assert.equal(w.groups.list()[0]!.SelfInfo.UnreadMsgNum, 999);
});
