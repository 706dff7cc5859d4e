import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox } from "../src/outbox.ts";
import { Rpc } from "../src/rpc.ts";
import { Sender, type Outcome, type Unsent } from "../src/sender.ts";
import { Saver, type Storage } from "../src/storage.ts";
import { TestClock, settled } from "./clock.ts";

/** A storage that takes its time, as a database in a browser does. */
class Slow implements Storage {
  kept = "";
  readonly #saves: (() => void)[] = [];

  load(): string {
    return this.kept;
  }

  save(_: string, value: string): Promise<void> {
    return new Promise((resolve) => this.#saves.push(() => {
      this.kept = value;
      resolve();
    }));
  }

  /** Ends the oldest save; false if there is none. */
  async end(): Promise<boolean> {
    const save = this.#saves.shift();
    save?.();
    await settled();
    return save !== undefined;
  }
}

test("save resolves when what was given is kept, whoever began the turn that keeps it", async () => {
  const storage = new Slow();
  const saver = new Saver(storage, "k", (e) => assert.fail(e));
  const kept: string[] = [];
  for (const value of ["one", "two", "three"]) void saver.save(value).then(() => kept.push(`${value}: ${storage.kept}`));
  while (await storage.end());
  assert.equal(storage.kept, "three");
  assert.deepEqual(kept, ["one: one", "two: three", "three: three"]);
});

test("what is given without an end keeps nobody waiting", async () => {
  const storage = new Slow();
  const saver = new Saver(storage, "k", (e) => assert.fail(e));
  void saver.save("0");
  let kept = false;
  void saver.save("1").then(() => (kept = true));
  for (let i = 2; i < 5 && !kept; i++) {
    await storage.end();
    void saver.save(String(i));
    await settled();
  }
  assert.ok(kept, "later values came before the promise of an earlier one");
  while (await storage.end());
  assert.equal(storage.kept, "3");
});

test("a save that fails is told of, and the newest value is kept by the next", async () => {
  for (const fails of [() => { throw new Error("full"); }, () => Promise.reject(new Error("full"))]) {
    const kept: string[] = [];
    const errors: string[] = [];
    let n = 0;
    const saver = new Saver({ load: () => null, save: (_, value) => (n++ === 0 ? fails() : void kept.push(value)) }, "k", (e) => errors.push(e.message));
    await Promise.all(["one", "two", "three"].map((value) => saver.save(value)));
    assert.deepEqual([kept, errors], [["three"], ["full"]]);
    void saver.save("last"); // a page has no time to wait at its end
    assert.deepEqual(kept, ["three", "last"]);
  }
});

test("two savers do not wait for one another", async () => {
  const storage = new Slow();
  const [a, b] = [new Saver(storage, "a", (e) => assert.fail(e)), new Saver(storage, "b", (e) => assert.fail(e))];
  const kept: string[] = [];
  void a.save("1").then(() => kept.push("a1"));
  void a.save("2").then(() => kept.push("a2"));
  void b.save("1").then(() => kept.push("b1"));
  while (await storage.end());
  assert.deepEqual(kept, ["a1", "b1", "a2"]);
});

test("a message is tried when the storage knows of the try", async () => {
  const storage = new Slow();
  const saver = new Saver(storage, "k", (e) => assert.fail(e));
  const clock = new TestClock();
  let atTry: string | undefined;
  const sender = new Sender({
    userID: "alice", clock, most: 10, connected: () => true, head: () => 0, type: () => "Public",
    rpc: new Rpc(async () => {
      atTry = storage.kept;
      return { ActionStatus: "OK", ErrorCode: 0, ErrorInfo: "", MsgSeq: 1, MsgTime: 1 };
    }),
    save: (text) => saver.save(text), refused: () => {}, unsent: () => {},
  });
  sender.restore(null);
  void sender.add("m", "g", 7, { MsgBody: [] });
  await settled();
  while (atTry === undefined && (await storage.end()));
  assert.equal(new Outbox(clock, 10).restore(atTry!)[0]!.unknown, true, `the server has the message, and the storage says ${atTry}`);
});

/** A sender whose storage is slow from a moment on, and whose tries get no answer. */
function slowSender() {
  const clock = new TestClock();
  const w = { clock, tries: 0, looks: 0, saves: [] as (() => void)[], slow: false, outcomes: [] as Outcome[], unsent: [] as Unsent[] };
  const sender = new Sender({
    userID: "alice", clock, most: 10, connected: () => true, head: () => 0, type: () => "Public",
    rpc: new Rpc(async (method) => {
      if (method === "group_msg_get_simple") {
        w.looks++;
        return { ActionStatus: "OK", ErrorCode: 0, ErrorInfo: "", RspMsgList: [] };
      }
      w.tries++;
      throw { code: 1, message: "timeout" };
    }),
    save: () => (w.slow ? new Promise((resolve) => w.saves.push(resolve)) : Promise.resolve()),
    refused: () => {}, unsent: (u) => w.unsent.push(u),
  });
  sender.restore(null);
  void sender.add("m", "g", 7, { MsgBody: [] }).then((o) => w.outcomes.push(o));
  return { clock, w, sender };
}

test("a try whose save ends after the time for repeats is not made", async () => {
  const { clock, w } = slowSender();
  await clock.pass(30_000);
  w.slow = true;
  await clock.pass(30_000);
  const { tries } = w;
  assert.equal(w.saves.length, 1);
  await clock.pass(5 * 60_000);
  w.slow = false;
  w.saves[0]!();
  await clock.pass(60_000);
  assert.deepEqual([w.tries, w.outcomes.map((o) => o.status)], [tries, ["unsent"]]);
});

test("a message that comes while it is saved as unsent is sent, and nobody is asked", async () => {
  const { clock, w, sender } = slowSender();
  await clock.pass(200_000);
  w.slow = true;
  while (w.looks === 0) {
    w.saves.splice(0).forEach((end) => end());
    await clock.pass(1000);
  }
  sender.seen({ Event: "Message", GroupId: "g", Type: "Public", From_Account: "alice", MsgSeq: 1, MsgTime: 1, Random: 7, MsgPriority: "Normal", MsgBody: [], OnlineOnlyFlag: 0 });
  while (w.saves.length > 0) {
    w.saves.splice(0).forEach((end) => end());
    await settled();
  }
  assert.deepEqual(w.outcomes.map((o) => o.status), ["sent"]);
  assert.deepEqual(w.unsent, []);
});
