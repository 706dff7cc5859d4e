import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox, OutboxFull, sameContent } from "../src/outbox.ts";
import { Rpc } from "../src/rpc.ts";
import { Sender, type Outcome, type Refused, type Unsent } from "../src/sender.ts";
import type { SendBody } from "../src/types.ts";
import { TestClock } from "./clock.ts";
import { Random } from "./random.ts";
import { fail, TestServer } from "./server.ts";

const text = (t: string): SendBody => ({ MsgBody: [{ MsgType: "TIMTextElem", MsgContent: { Text: t } }] });
const minute = 60_000;

/** What becomes of a call: answered, not begun, answered to nobody, or lost on the way there. */
type Fate = "answer" | "notBegun" | "answerLost" | "lost";

/** Alice's outbox at a test server. reload() is another life of the program with the same storage. */
class World {
  readonly clock: TestClock;
  readonly server: TestServer;
  sender!: Sender;
  online = true;
  fate: (method: string) => Fate = () => "answer";
  stored = "";
  readonly refused: Refused[] = [];
  readonly unsent: Unsent[] = [];
  readonly outcomes: Outcome[] = [];
  readonly #rnd: Random;
  #life = 0;

  constructor(seed = 1) {
    this.#rnd = new Random(seed);
    this.clock = new TestClock(() => this.#rnd.next());
    this.server = new TestServer(() => this.clock.mono());
    this.server.found("g", ["alice", "bob"]);
    this.reload();
  }

  reload(): void {
    const life = ++this.#life;
    this.sender = new Sender({
      userID: "alice",
      clock: this.clock,
      rpc: new Rpc((method, body) => this.#call(life, method, body)),
      most: 1000,
      connected: () => this.online && life === this.#life,
      head: (id) => this.server.groups.get(id)?.items.length ?? 0,
      type: () => "Public",
      save: async (text) => {
        if (life === this.#life) this.stored = text;
      },
      refused: (r) => this.refused.push(r),
      unsent: (u) => this.unsent.push(u),
    });
    this.sender.restore(this.stored);
    if (this.online) this.sender.connected();
  }

  connect(): void {
    this.online = true;
    this.sender.connected();
  }

  send(id: string, body = text(id), group = "g", random = Number.parseInt(id.replace(/\D/g, "") || "7", 10)): void {
    void this.sender.add(id, group, random, body).then((o) => this.outcomes.push(o));
  }

  #call(life: number, method: string, body: unknown): Promise<unknown> {
    const fate = this.fate(method);
    return new Promise((resolve, reject) => {
      this.clock.after(10, () => {
        if (fate === "notBegun") return reject({ code: 111, message: "busy", temporary: true });
        const answer = fate === "lost" ? undefined : structuredClone(this.server.call("alice", method, body));
        // Nobody hears the answer in another life.
        if (life !== this.#life) return;
        if (fate === "answer") resolve(answer);
        else this.clock.after(10_000, () => reject({ code: 1, message: "timeout" }));
      });
    });
  }

  sends(): number {
    return this.server.calls.filter((c) => c.method === "send_group_msg").length;
  }
  texts(group = "g"): unknown[] {
    return this.server.groups.get(group)!.items.map((i) => i.MsgBody![0]!.MsgContent.Text);
  }
}

test("an answered message is sent once, and the next follows it", async () => {
  const w = new World();
  w.send("m1");
  w.send("m2");
  await w.clock.pass(1000);
  assert.deepEqual(w.outcomes.map((o) => [o.status, o.id, "seq" in o && o.seq]), [["sent", "m1", 1], ["sent", "m2", 2]]);
  assert.deepEqual(w.texts(), ["m1", "m2"]);
  assert.equal(w.stored, "[]");
});

test("a lost answer is asked for again under the same Random and doubles nothing", async () => {
  const w = new World();
  let n = 0;
  w.fate = () => (n++ < 3 ? "answerLost" : "answer");
  w.send("m1");
  w.send("m2");
  await w.clock.pass(minute);
  assert.deepEqual(w.texts(), ["m1", "m2"]);
  assert.deepEqual(w.outcomes.map((o) => o.status), ["sent", "sent"]);
  assert.equal(new Set(w.server.calls.slice(0, 4).map((c) => c.body.Random)).size, 1);
});

test("a refusal is handed over with code, words, RetryAfter and EventId, and never repeated", async () => {
  const w = new World();
  w.server.refuse = () => fail(10017, "muted", { RetryAfter: 30, EventId: "e-1" });
  w.send("m1");
  await w.clock.pass(10 * minute);
  assert.equal(w.sends(), 1);
  assert.deepEqual(w.refused, [{ status: "refused", id: "m1", groupId: "g", body: text("m1"), code: 10017, words: "muted", retryAfter: 30, eventId: "e-1" }]);
  assert.deepEqual(w.outcomes, w.refused);
});

for (const code of [60007, 10002]) test(`${code} that answers a repeat says nothing of the try before`, async () => {
  const w = new World();
  let n = 0;
  w.fate = () => (n++ === 0 ? "answerLost" : "answer");
  w.send("m1");
  await w.clock.pass(100);
  // The next call is refused before the server looks for repeats.
  const call = w.server.call.bind(w.server);
  w.server.call = (user, method, data) => (n === 2 ? fail(code, "in words", { RetryAfter: 3 }) : call(user, method, data));
  await w.clock.pass(minute);
  assert.deepEqual(w.outcomes.map((o) => o.status), ["sent"]);
  assert.deepEqual(w.refused, []);
  assert.deepEqual(w.texts(), ["m1"]);
});

test("10002 without an event is no refusal: it is sent again under its Random", async () => {
  const w = new World();
  const call = w.server.call.bind(w.server);
  let n = 0;
  w.server.call = (user, method, data) => {
    const answer = call(user, method, data);
    return n++ === 0 ? fail(10002, "internal error") : answer; // it failed after the message was accepted
  };
  w.send("m1");
  await w.clock.pass(minute);
  assert.deepEqual([w.outcomes.map((o) => o.status), w.refused, w.texts(), w.sends()], [["sent"], [], ["m1"], 2]);
});

test("10002 with an event refuses a first try", async () => {
  const w = new World();
  w.server.refuse = () => fail(10002, "internal error", { EventId: "e" });
  w.send("m1");
  await w.clock.pass(minute);
  assert.deepEqual([w.outcomes.map((o) => o.status), w.sends()], [["refused"], 1]);
});

for (const [fate, want] of [["answerLost", "sent"], ["lost", "unsent"]] as const) test(`10002 for all repeats is as no answer: the history tells (${fate})`, async () => {
  const w = new World();
  w.fate = () => (w.sends() === 0 ? fate : "answer");
  const call = w.server.call.bind(w.server);
  w.send("m1");
  await w.clock.pass(100);
  if (fate === "lost") w.server.calls.push({ method: "send_group_msg", body: {} }); // it went out
  w.server.call = (user, method, data) => (method === "send_group_msg" ? fail(10002, "internal error", { EventId: "e" }) : call(user, method, data));
  await w.clock.pass(6 * minute);
  assert.deepEqual([w.outcomes.map((o) => o.status), w.refused], [[want], []]);
});

test("a message is looked up where the history comes in small answers", async () => {
  const w = new World();
  w.server.historyMost = 3;
  w.fate = (method) => (method === "send_group_msg" ? "answerLost" : "answer");
  w.send("m1");
  await w.clock.pass(100);
  w.online = false;
  for (let i = 0; i < 50; i++) w.server.post("g", "bob", text("x").MsgBody, 1);
  await w.clock.pass(5 * minute);
  w.connect();
  await w.clock.pass(minute);
  assert.deepEqual(w.outcomes.map((o) => o.status), ["sent"]);
});

test("after 4 minutes the history is asked and no try is made", async () => {
  const cases: { name: string; fate: Fate; more?: Partial<SendBody>; before?: (w: World) => void; want: string; reason?: string }[] = [
    { name: "it arrived", fate: "answerLost", want: "sent" },
    { name: "it did not", fate: "lost", want: "unsent", reason: "NotFound" },
    { name: "it arrived, and 300 messages since", fate: "answerLost", before: (w) => { for (let i = 0; i < 300; i++) w.server.post("g", "bob", text("x").MsgBody, 1); }, want: "sent" },
    { name: "another one's message with the Random", fate: "lost", before: (w) => { w.server.post("g", "bob", text("m1").MsgBody, 1); }, want: "unsent", reason: "NotFound" },
    { name: "one's own with the Random and other content", fate: "lost", before: (w) => { w.server.post("g", "alice", text("other").MsgBody, 1); }, want: "unsent", reason: "Differs" },
    { name: "out of the group", fate: "answerLost", before: (w) => w.server.leave("g", "alice"), want: "unsent", reason: "NoAccess" },
    { name: "online only", fate: "lost", more: { OnlineOnlyFlag: 1 }, want: "unsent", reason: "NoHistory" },
    { name: "more messages since than are read", fate: "lost", before: (w) => { for (let i = 0; i < 2100; i++) w.server.post("g", "bob", text("x").MsgBody, 1); }, want: "unsent", reason: "TooMuch" },
  ];
  for (const c of cases) {
    const w = new World();
    for (let i = 0; i < 30; i++) w.server.post("g", "alice", text("m1").MsgBody, 1); // long before, and equal
    w.fate = (method) => (method === "send_group_msg" ? c.fate : "answer");
    w.send("m1", { ...text("m1"), ...c.more });
    await w.clock.pass(30_000);
    w.online = false;
    await w.clock.pass(4 * minute);
    c.before?.(w);
    const sends = w.sends();
    assert.equal(w.outcomes.length, 0, c.name);
    w.connect();
    await w.clock.pass(minute);
    assert.equal(w.sends(), sends, `${c.name}: tried again`);
    assert.equal(w.outcomes[0]?.status, c.want, c.name);
    assert.equal((w.outcomes[0] as Unsent).reason, c.reason, c.name);
    assert.deepEqual(w.unsent.length, c.want === "unsent" ? 1 : 0, c.name);
  }
});

test("tries end by themselves 4 minutes after the first, while connected", async () => {
  const w = new World();
  w.fate = (method) => (method === "send_group_msg" ? "lost" : "answer");
  w.send("m1");
  w.send("m2");
  const times: number[] = [];
  const begin = w.clock.mono();
  const fate = w.fate;
  w.fate = (method) => {
    if (method === "send_group_msg" && w.unsent.length === 0) times.push(w.clock.mono() - begin);
    return fate(method);
  };
  await w.clock.pass(4.5 * minute);
  assert.deepEqual(w.unsent.map((u) => u.id), ["m1"]);
  assert.ok(times.length > 5 && times.at(-1)! < 4 * minute, String(times));
  // Those behind it go on, and resend takes its place behind them.
  w.fate = () => "answer";
  await w.clock.pass(minute);
  assert.deepEqual(w.texts(), ["m2"]);
  void w.sender.resend("m1")!.then((o) => w.outcomes.push(o));
  await w.clock.pass(minute);
  assert.deepEqual(w.texts(), ["m2", "m1"]);
  assert.deepEqual(w.outcomes.map((o) => o.status), ["unsent", "sent", "sent"]);
});

test("a try that did not begin starts no clock", async () => {
  const w = new World();
  w.fate = () => "notBegun";
  w.send("m1");
  await w.clock.pass(20 * minute);
  assert.equal(w.outcomes.length, 0);
  w.fate = () => "answer";
  await w.clock.pass(minute);
  assert.deepEqual(w.texts(), ["m1"]);
});

test("a reload goes on where it was, by the wall clock", async () => {
  const cases = [
    { name: "soon", pass: minute, set: 0, tried: true },
    { name: "after 4 minutes", pass: 4 * minute, set: 0, tried: false },
    { name: "the clock fell", pass: 1000, set: -10 * minute, tried: false },
    { name: "the clock leapt", pass: 1000, set: 60 * minute, tried: false },
  ];
  for (const c of cases) {
    const w = new World();
    w.fate = () => "answerLost";
    w.send("m1");
    await w.clock.pass(100);
    w.online = false;
    await w.clock.pass(c.pass);
    w.clock.set(c.set);
    w.online = true;
    w.fate = () => "answer";
    const sends = w.sends();
    w.reload();
    await w.clock.pass(minute);
    assert.equal(w.sends() > sends, c.tried, c.name);
    assert.deepEqual(w.texts(), ["m1"], c.name);
    assert.equal(w.stored, "[]", c.name);
  }
});

test("a wall clock that falls while running prolongs nothing, and one that stood still neither", async () => {
  for (const set of [-60 * minute, 60 * minute]) {
    const w = new World();
    w.fate = (method) => (method === "send_group_msg" ? "lost" : "answer");
    w.send("m1");
    await w.clock.pass(100);
    w.clock.set(set);
    await w.clock.pass(set > 0 ? 30_000 : 4.5 * minute);
    assert.deepEqual(w.unsent.map((u) => u.reason), ["NotFound"]);
  }
});

test("one's own message that comes by itself is the answer", async () => {
  const w = new World();
  w.fate = () => "answerLost";
  w.send("m1");
  await w.clock.pass(10_200);
  const g = w.server.groups.get("g")!;
  w.sender.seen(w.server.message(g, g.items[0]!));
  await w.clock.pass(minute);
  assert.deepEqual(w.outcomes.map((o) => [o.status, "seq" in o && o.seq]), [["sent", 1]]);
});

test("a lookup that gets no answer goes on", async () => {
  const w = new World();
  w.fate = () => "answerLost";
  w.send("m1");
  await w.clock.pass(6 * minute);
  assert.equal(w.sender.entries[0]!.stage, "checking");
  assert.equal(w.outcomes.length, 0);
  w.fate = () => "answer";
  await w.clock.pass(minute);
  assert.deepEqual(w.outcomes.map((o) => o.status), ["sent"]);
});

test("what is unsent is offered again after a reload, and can be discarded", async () => {
  const w = new World();
  w.fate = (method) => (method === "send_group_msg" ? "lost" : "answer");
  w.send("m1");
  await w.clock.pass(6 * minute);
  w.reload();
  assert.deepEqual(w.unsent.map((u) => [u.id, u.reason]), [["m1", "NotFound"], ["m1", "NotFound"]]);
  assert.equal(w.sender.discard("m1"), true);
  assert.equal(w.sender.discard("m1"), false);
  assert.equal(w.stored, "[]");
});

test("a full outbox says so", () => {
  const outbox = new Outbox(new TestClock(), 2);
  outbox.add("1", "g", 1, text("1"));
  outbox.add("2", "g", 2, text("2"));
  assert.throws(() => outbox.add("3", "g", 3, text("3")), OutboxFull);
});

test("what was stored by something else is refused", () => {
  for (const bad of ["{}", "[1]", "[{}]", '[{"id":"1","groupId":"g","random":1,"body":{}}]', "nonsense"]) {
    assert.throws(() => new Outbox(new TestClock(), 2).restore(bad), Error, bad);
  }
});

test("content is the same whatever the order of its keys", () => {
  const a = { MsgBody: [{ MsgType: "T", MsgContent: { A: 1, B: { C: [1, 2], D: "x" } } }] };
  const b = { MsgBody: [{ MsgContent: { B: { D: "x", C: [1, 2] }, A: 1 }, MsgType: "T" }], CloudCustomData: "" };
  assert.ok(sameContent(a, b));
  assert.ok(!sameContent(a, { ...b, CloudCustomData: "c" }));
  assert.ok(!sameContent(a, { MsgBody: [{ MsgType: "T", MsgContent: { A: 1, B: { C: [2, 1], D: "x" } } }] }));
});

test("no message is lost, doubled or out of order, whatever becomes of calls, connections and lives", async () => {
  for (let seed = 1; seed <= 1000; seed++) {
    const rnd = new Random(seed);
    const w = new World(seed);
    w.server.found("h", ["alice", "bob"]);
    w.fate = () => rnd.pick<Fate>(["answer", "notBegun", "answerLost", "answerLost", "lost"]);
    const sent: { id: string; group: string }[] = [];
    for (let i = 1; i <= 12; i++) {
      const group = rnd.pick(["g", "h"]);
      w.send(`m${i}`, text(`m${i}`), group);
      sent.push({ id: `m${i}`, group });
      await w.clock.pass(rnd.below(rnd.chance(0.1) ? 5 * minute : 20_000));
      const act = rnd.below(8);
      if (act === 0) w.online = false;
      else if (act === 1) w.connect();
      // A clock that was set back a little before a reload cannot be told from one
      // that was not: the one or the other.
      else if (act === 2 && seed % 2 === 0) w.reload();
      else if (act === 3 && seed % 2 === 1) w.clock.set(rnd.below(20 * minute) - 10 * minute);
    }
    w.fate = () => "answer";
    w.connect();
    // What is not found is sent again by the user, until all is through.
    for (let turn = 0; turn < 20 && w.sender.entries.length > 0; turn++) {
      await w.clock.pass(minute);
      for (const e of w.sender.entries) if (e.stage === "unsent") void w.sender.resend(e.id);
    }
    assert.deepEqual(w.sender.entries, [], `seed ${seed}: left`);
    for (const group of ["g", "h"]) {
      const texts = w.texts(group);
      const mine = sent.filter((s) => s.group === group).map((s) => s.id);
      assert.deepEqual([...texts].sort(), [...mine].sort(), `seed ${seed}: each once`);
      // Only those up to the user may have lost their place.
      const late = new Set(w.unsent.map((u) => u.id));
      assert.deepEqual(texts.filter((t) => !late.has(String(t))), mine.filter((t) => !late.has(t)), `seed ${seed}: order`);
    }
  }
});
