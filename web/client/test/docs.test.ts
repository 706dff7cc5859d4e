import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { TestServer } from "./server.ts";
import { Wire } from "./wire.ts";

// From web/client/.test/client/test.
const page = new URL("../../../../../docs/clients.md", import.meta.url);

test("the example for Node.js in docs/clients.md runs", async (t) => {
  const code = /```js\n([^]*?)```/.exec(await readFile(page, "utf8"))![1]!;
  const file = new URL("./echo.mjs", import.meta.url);
  await writeFile(file, code.replace('"@parley/client"', '"../src/index.js"'));
  const server = new TestServer();
  server.found("g", ["alice", "bob"]);
  const wire = await new Wire(server).start();
  t.after(() => wire.stop());
  const child = spawn(process.execPath, [file.pathname], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PARLEY_URL: wire.url, PARLEY_APP: "1", PARLEY_USER: "alice", PARLEY_USERSIG: "sig", PARLEY_GROUP: "g" },
  });
  t.after(() => child.kill());
  let heard = "";
  child.stdout.on("data", (data) => (heard += String(data)));
  child.stdin.write("one\n");
  child.stdin.end("two\n");
  const [status] = (await once(child, "exit")) as [number];
  assert.equal(status, 0);
  assert.deepEqual(server.groups.get("g")!.items.map((i) => i.MsgBody![0]!.MsgContent.Text), ["one", "two"]);
  assert.match(heard, /g 1 alice: .*"one"/);
});
