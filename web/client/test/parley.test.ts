import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import WebSocket from "ws";
import { endpoints, judge } from "../src/connection.ts";
import { Parley, Refusal, Stopped, type Message, type Options, type State, type Storage } from "../src/index.ts";
import { fail, TestServer } from "./server.ts";
import { Wire } from "./wire.ts";

const text = (t: string) => [{ MsgType: "TIMTextElem", MsgContent: { Text: t } }];

/** Waits for an event that a condition holds for. */
function event<E extends "state" | "message" | "groups" | "refusal" | "notice" | "error">(client: Parley, kind: E, is: (value: never) => boolean = () => true): Promise<unknown> {
  return new Promise((resolve) => {
    const end = client.on(kind, (value) => {
      if (!is(value as never)) return;
      end();
      resolve(value);
    });
  });
}
const status = (client: Parley, want: State["status"]) => event(client, "state", (s: State) => s.status === want);
const messageOf = (client: Parley, want: string) => event(client, "message", (m: Message) => m.MsgBody[0]!.MsgContent.Text === want);

async function world(t: TestContext, options: Partial<Options> = {}) {
  const server = new TestServer();
  server.found("g", ["alice", "bob"]);
  const wire = await new Wire(server).start();
  const clients: Parley[] = [];
  const client = (more: Partial<Options> = {}) => {
    const c = new Parley({ url: wire.url, sdkAppID: 1400000001, userID: "alice", userSig: "sig", platform: "Web", websocket: WebSocket, ...options, ...more });
    clients.push(c);
    return c;
  };
  t.after(() => {
    for (const c of clients) c.disconnect();
    wire.stop();
  });
  return { server, wire, client };
}

/** Connects and waits for the list of groups. */
async function connected(client: Parley): Promise<Parley> {
  const listed = event(client, "groups");
  await client.connect();
  await listed;
  return client;
}

class MemoryStorage implements Storage {
  readonly values = new Map<string, string>();
  async load(key: string) {
    return this.values.get(key) ?? null;
  }
  async save(key: string, value: string) {
    this.values.set(key, value);
  }
}

for (const transport of ["websocket", "http_stream"]) {
  test(`a message is sent, answered and heard over ${transport}`, async (t) => {
    const { server, wire, client } = await world(t);
    const alice = await connected(client(transport === "http_stream" ? { websocket: class { constructor() { throw new Error("none"); } } } : {}));
    assert.deepEqual(wire.connects[0]!.data, { SDKAppID: 1400000001, UserID: "alice", Platform: "Web" });
    assert.equal(wire.connects[0]!.token, "sig");
    const heard = messageOf(alice, "hello");
    const out = alice.send("g", "hello", { cloudCustomData: "x" });
    assert.deepEqual(await out.done, { status: "sent", id: out.id, groupId: "g", seq: 1, time: 1001 });
    const m = (await heard) as Message;
    assert.deepEqual([m.MsgSeq, m.Random, m.CloudCustomData, m.From_Account], [1, out.random, "x", "alice"]);
    server.post("g", "bob", text("two"), 5);
    assert.deepEqual((await alice.history("g")).map((h) => h.Event === "Message" && h.MsgSeq), [1, 2]);
    assert.deepEqual((await alice.history("g", 2)).map((h) => h.Event === "Message" && h.MsgSeq), [1]);
    assert.deepEqual(alice.groups().map((g) => [g.GroupId, g.Type]), [["g", "Public"]]);
  });
}

test("an answer that is lost with the connection doubles nothing, and what came meanwhile comes in order", async (t) => {
  const { server, wire, client } = await world(t);
  const alice = await connected(client());
  const got: (number | undefined)[] = [];
  alice.on("message", (m) => got.push(m.MsgSeq));
  let once = true;
  wire.intercept = (peer, method, answer) => {
    if (method !== "send_group_msg" || !once) return false;
    once = false;
    wire.peers.clear(); // the push is lost too
    answer();
    server.post("g", "bob", text("meanwhile"), 1);
    peer.close(3008, "slow");
    return true;
  };
  const again = status(alice, "reconnecting");
  const last = messageOf(alice, "meanwhile");
  const out = alice.send("g", "mine");
  assert.deepEqual(await again, { status: "reconnecting", code: 3008, words: "the connection was too slow" });
  assert.equal((await out.done).status, "sent");
  await last;
  assert.deepEqual(got, [1, 2]);
  assert.equal(server.groups.get("g")!.items.length, 2);
});

test("a refusal comes with its words, as an event and as the outcome", async (t) => {
  const { server, client } = await world(t);
  server.refuse = () => fail(10023, "msg count exceeds limit,please retry later", { RetryAfter: 2, EventId: "e1" });
  const alice = await connected(client());
  const refusal = event(alice, "refusal");
  const outcome = await alice.send("g", "hello").done;
  assert.ok(outcome.status === "refused");
  assert.deepEqual([outcome.code, outcome.words, outcome.retryAfter, outcome.eventId], [10023, "msg count exceeds limit,please retry later", 2, "e1"]);
  assert.equal(await refusal, outcome);
  await assert.rejects(alice.call("nonsense"), (e) => e instanceof Refusal && e.code === 60009);
});

test("an expired UserSig is renewed by getUserSig", async (t) => {
  const { wire, client } = await world(t);
  wire.admit = ({ token }) => (token === "new" ? undefined : { code: 109, message: "token expired" });
  let asked = 0;
  await client({ userSig: "old", getUserSig: async () => (asked++, "new") }).connect();
  assert.equal(asked, 1);
  assert.deepEqual(wire.connects.map((c) => c.token), ["old", "new"]);
});

test("without getUserSig the app is asked to renew", async (t) => {
  const { wire, client } = await world(t);
  wire.admit = ({ token }) => (token === "new" ? undefined : { code: 109, message: "token expired" });
  const alice = client({ userSig: "old" });
  await assert.rejects(alice.connect(), (e) => e instanceof Stopped && e.state.status === "renew" && e.state.code === 70001);
  const again = status(alice, "connected");
  alice.renew("new");
  await again;
});

test("a UserSig that was handed in is shown once", async (t) => {
  const { wire, client } = await world(t);
  let later = true;
  wire.admit = ({ token }) => (later ? { code: 100, message: "later", temporary: true } : token === "old" ? { code: 70009, message: "of the old key" } : undefined);
  const alice = client({ userSig: "first", getUserSig: async () => "fresh" });
  const connect = alice.connect();
  await event(alice, "error");
  later = false;
  alice.renew("second");
  await connect;
  const states: string[] = [];
  alice.on("state", (s) => states.push(s.status));
  // The app has another key: neither was made with it.
  const again = status(alice, "connected");
  for (const peer of wire.peers) peer.close(3014, "another key");
  await again;
  assert.deepEqual([wire.connects.at(-2)!.token, wire.connects.at(-1)!.token], ["second", "fresh"]);
  assert.deepEqual(states, ["reconnecting", "connected"]);
});

test("a UserSig that is handed in while a connect is under way is the one that is shown", async (t) => {
  const { wire, client } = await world(t);
  wire.admit = ({ token }) => (token === "new" ? undefined : { code: 70003, message: `${token} is not valid` });
  const alice = client({ userSig: "old" });
  const states: string[] = [];
  alice.on("state", (s) => states.push(s.status));
  const begins = status(alice, "connecting");
  const connect = alice.connect();
  await begins;
  alice.renew("new");
  await connect;
  assert.deepEqual(wire.connects.map((c) => c.token), ["new"]);
  assert.deepEqual(states, ["connecting", "connected"]);
});

test("a UserSig that is wrong stops the client with the server's words", async (t) => {
  const { wire, client } = await world(t);
  wire.admit = () => ({ code: 70003, message: "UserSig is not valid" });
  const alice = client();
  await assert.rejects(alice.connect(), (e) => e instanceof Stopped && e.state.status === "stopped" && e.state.code === 70003 && e.message === "UserSig is not valid");
  assert.equal(wire.connects.length, 1);
});

test("a server that cannot answer now is tried again", async (t) => {
  const { wire, client } = await world(t);
  let n = 0;
  wire.admit = () => (n++ < 2 ? { code: n === 1 ? 100 : 111, message: "later", temporary: true } : undefined);
  await client().connect();
  assert.equal(wire.connects.length, 3);
});

test("a kicked client does not come back", async (t) => {
  const { wire, client } = await world(t);
  const alice = await connected(client());
  const stopped = status(alice, "stopped");
  for (const peer of wire.peers) peer.close(4501, "too many connections");
  assert.deepEqual(await stopped, { status: "stopped", code: 4501, words: "too many connections of this user: another device took the place" });
});

test("a reload catches up where the last life ended, and sends what waited", async (t) => {
  const { server, client } = await world(t);
  const storage = new MemoryStorage();
  const first = await connected(client({ storage }));
  const one = messageOf(first, "one");
  server.post("g", "bob", text("one"), 1);
  await one;
  first.disconnect();
  const waits = first.send("g", "mine");
  server.post("g", "bob", text("two"), 2);
  server.post("g", "bob", text("three"), 3);
  const second = client({ storage });
  const got: (number | undefined)[] = [];
  second.on("message", (m) => got.push(m.MsgSeq));
  const mine = messageOf(second, "mine") as Promise<Message>;
  await second.connect();
  assert.equal((await mine).Random, waits.random);
  assert.deepEqual(got, [2, 3, 4]);
});

test("a storage that fails is told of and stops nothing", async (t) => {
  const { client } = await world(t);
  const storage: Storage = {
    load: () => { throw new Error("no load"); },
    save: () => { throw new Error("no save"); },
  };
  const alice = client({ storage });
  const errors: string[] = [];
  alice.on("error", (e) => errors.push(e.message));
  await connected(alice);
  assert.equal((await alice.send("g", "1").done).status, "sent");
  assert.equal((await alice.send("g", "2").done).status, "sent");
  assert.ok(errors.includes("no load") && errors.includes("no save"));
});

test("read notes what the server noted", async (t) => {
  const { server, client } = await world(t);
  const alice = await connected(client());
  const two = messageOf(alice, "two");
  for (const one of ["one", "two"]) server.post("g", "bob", text(one), 1);
  await two;
  const self = () => alice.groups()[0]!.SelfInfo;
  assert.equal(self().UnreadMsgNum, 2);
  await alice.read("g", 1000);
  assert.deepEqual([self().MsgSeq, self().UnreadMsgNum], [2, 0]);
  const three = messageOf(alice, "three");
  server.post("g", "bob", text("three"), 1);
  await three;
  assert.equal(self().UnreadMsgNum, 1);
  await alice.read("g", 3);
  assert.deepEqual([self().MsgSeq, self().UnreadMsgNum], [3, 0]);
});

test("a message's limit is 1 MB in bytes, with the group's id", async (t) => {
  const { client } = await world(t);
  const alice = client();
  const rest = JSON.stringify({ GroupId: "g", Random: 4294967295, MsgBody: text("") }).length;
  assert.throws(() => alice.send("g", "ö".repeat((1 << 19) - rest / 2 + 6)), RangeError);
  assert.ok(alice.send("g", "ö".repeat((1 << 19) - Math.ceil(rest / 2))));
});

test("history has all that is asked for where it comes in small answers", async (t) => {
  const { server, client } = await world(t);
  for (let i = 1; i <= 70; i++) server.post("g", "bob", text(`${i}`), i);
  server.historyMost = 7;
  const alice = await connected(client());
  const seqs = (list: Awaited<ReturnType<Parley["history"]>>) => list.map((h) => h.Event === "Message" && h.MsgSeq);
  assert.deepEqual(seqs(await alice.history("g", undefined, 30)), Array.from({ length: 30 }, (_, i) => i + 41));
  assert.deepEqual(seqs(await alice.history("g", 41, 60)), Array.from({ length: 40 }, (_, i) => i + 1));
});

test("events of a later server are ignored, and those of the user come", async (t) => {
  const { wire, client } = await world(t);
  const alice = await connected(client());
  const notice = event(alice, "notice");
  for (const peer of wire.peers) {
    for (const odd of [{ Event: "Later", GroupId: "g" }, {}, { Event: 1 }, { Event: "Message" }]) peer.publish(odd);
    peer.tell({ Event: "AccountMuted", MuteUntil: 5 });
  }
  assert.deepEqual(await notice, { Event: "AccountMuted", MuteUntil: 5 });
});

test("codes say what to do", () => {
  const cases: [code: number, final: boolean, status: State["status"]][] = [
    [0, true, "offline"], [1, true, "renew"], [1, false, "reconnecting"], [3001, false, "reconnecting"], [3005, false, "reconnecting"],
    [3014, false, "reconnecting"], [4500, true, "stopped"], [4502, true, "stopped"], [4503, true, "stopped"], [4504, true, "stopped"], [70013, true, "stopped"],
  ];
  for (const [code, final, want] of cases) assert.equal(judge(code, "", final).status, want, String(code));
});

test("an address is http or https", () => {
  assert.equal(endpoints("https://chat.example.org/")[0]!.endpoint, "wss://chat.example.org/connection/websocket");
  assert.throws(() => endpoints("ws://chat.example.org"), TypeError);
});
