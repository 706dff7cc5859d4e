import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox } from "../src/outbox.ts";
import { Rpc } from "../src/rpc.ts";
import { Sender } from "../src/sender.ts";
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
