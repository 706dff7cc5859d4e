import assert from "node:assert/strict";
import { test } from "node:test";
import { Stream, type Numbered, type Out, type Page } from "../src/stream.ts";
import type { GroupNotice, Message } from "../src/types.ts";
import { Random } from "./random.ts";

const message = (seq: number, text = `m${seq}`): Message => ({
  Event: "Message", GroupId: "g", Type: "Public", From_Account: "bob", MsgSeq: seq, MsgTime: 1000 + seq, Random: seq,
  MsgPriority: "Normal", MsgBody: [{ MsgType: "TIMTextElem", MsgContent: { Text: text } }], OnlineOnlyFlag: 0,
});
const item = (seq: number, text?: string): Numbered => ({ seq, message: message(seq, text) });
const listed = (head: number, joinSeq = 1, created = 7) => ({ head, joinSeq, created });
const recall = (...seqs: number[]): GroupNotice => ({ Event: "MsgRecalled", GroupId: "g", MsgSeqList: seqs.map((MsgSeq) => ({ MsgSeq })), Operator_Account: "bob" });

/** What was handed over, briefly: 5, "6-8 NotForYou", "MsgRecalled". */
function brief(out: Out[]): (number | string)[] {
  return out.map((o) =>
    o.Event === "Message" ? (o.MsgSeq ?? "online") : o.Event === "Placeholder" ? `${o.from}-${o.to} ${o.PlaceReason}` : o.Event,
  );
}

function opened(head: number): Stream {
  const s = new Stream("g");
  assert.deepEqual(s.listed(listed(head)), []);
  return s;
}

const answer = (page: Page) => Array.from({ length: page.to - page.from + 1 }, (_, i) => item(page.to - i));

test("a group seen for the first time begins behind what it has", () => {
  const s = opened(500);
  assert.equal(s.next(), undefined);
  assert.deepEqual(brief(s.pushed(item(501))), [501]);
});

test("pushes before the list are handed over after it, wherever it was made", () => {
  for (const head of [9, 10, 11, 12]) {
    const s = new Stream("g");
    s.connected();
    assert.deepEqual(s.pushed(item(10)), []);
    assert.deepEqual(s.pushed(item(11)), []);
    const out = s.listed(listed(head));
    const page = s.next();
    if (page) out.push(...s.pulled(page, answer(page)));
    assert.deepEqual(brief(out), head === 12 ? [10, 11, 12] : [10, 11], `head ${head}`);
  }
});

test("a gap is pulled and what came behind it waits", () => {
  const s = opened(4);
  assert.deepEqual(brief(s.pushed(item(5))), [5]);
  assert.deepEqual(s.pushed(item(9)), []);
  assert.deepEqual(s.pushed(item(8)), []);
  const page = s.next()!;
  assert.deepEqual(page, { from: 6, to: 7 });
  assert.equal(s.next(), undefined);
  assert.deepEqual(brief(s.pulled(page, answer(page))), [6, 7, 8, 9]);
  assert.deepEqual(s.pushed(item(7)), []);
  assert.equal(s.missing, false);
});

test("a recall before its message is handed over behind it", () => {
  const s = opened(4);
  assert.deepEqual(s.happened(recall(6)), []);
  assert.deepEqual(brief(s.pushed(item(5))), [5]);
  assert.deepEqual(brief(s.pushed({ seq: 6, reason: "Recalled" })), ["6-6 Recalled", "MsgRecalled"]);
});

test("a notice waits for what was sent before it, not for what comes after", () => {
  const s = opened(4);
  s.pushed(item(6));
  assert.deepEqual(s.happened(recall(6)), []);
  s.pushed(item(7));
  assert.deepEqual(brief(s.pushed(item(5))), [5, 6, "MsgRecalled", 7]);
});

test("leaving hands over all that waits, and the notice last", () => {
  const s = opened(4);
  s.pushed(item(7));
  const page = s.next()!;
  s.happened({ Event: "GroupDissolved", GroupId: "g", Operator_Account: "bob" });
  assert.deepEqual(brief(s.end(true)), ["5-6 Unavailable", 7, "GroupDissolved"]);
  assert.deepEqual(s.pulled(page, answer(page)), [], "an answer of a group that is gone");
});

test("a refused history gives up what is missing", () => {
  const s = opened(4);
  s.pushed(item(7));
  assert.deepEqual(brief(s.refused(s.next()!)), ["5-6 Unavailable", 7]);
  assert.deepEqual(brief(s.pushed(item(8))), [8]);
});

test("after a rejoin the numbers between are before the join", () => {
  const s = opened(4);
  s.end(false);
  const out = s.listed(listed(12, 11));
  const page = s.next()!;
  assert.deepEqual(page, { from: 11, to: 12 });
  out.push(...s.pulled(page, answer(page)));
  assert.deepEqual(brief(out), ["5-10 BeforeJoin", 11, 12]);
});

test("a group founded anew under its id begins again", () => {
  const s = new Stream("g", 50, 7);
  s.connected();
  s.pushed(item(3, "new"));
  // 3 looked like a repeat of the old group's; so it is pulled.
  assert.deepEqual(brief(s.listed(listed(3, 1, 8))), []);
  const page = s.next()!;
  assert.deepEqual(page, { from: 3, to: 3 });
  assert.deepEqual(brief(s.pulled(page, answer(page))), [3]);
  assert.deepEqual(brief(s.pushed(item(4))), [4]);
});

test("numbers that answers leave out are given up in the end", () => {
  const s = opened(4);
  s.pushed(item(7));
  const out: Out[] = [];
  let calls = 0;
  for (let page = s.next(); page; page = s.next()) {
    calls++;
    out.push(...s.pulled(page, []));
  }
  assert.deepEqual(brief(out), ["5-6 Unavailable", 7]);
  assert.equal(calls, 5);
});

test("10 000 missed messages come in pages of 20, two at once, in order", () => {
  const s = new Stream("g", 0, 7);
  s.connected();
  s.listed(listed(10_000));
  const out: Out[] = [];
  const flight: Page[] = [];
  let calls = 0;
  for (;;) {
    for (let page = s.next(); page; page = s.next()) flight.push(page);
    assert.ok(flight.length <= 2);
    const page = flight.pop(); // the later one is answered first
    if (!page) break;
    calls++;
    assert.ok(page.to - page.from < 20);
    const before = out.length;
    out.push(...s.pulled(page, answer(page)));
    if (flight.length === 0) assert.ok(out.length > before, "handed over as they come");
  }
  assert.equal(calls, 500);
  assert.deepEqual(brief(out), Array.from({ length: 10_000 }, (_, i) => i + 1));
});

// One group at a server, and a client that is connected with losses, repeats and
// disorder, loses its connection, leaves and comes back, while the group is
// dissolved and founded anew.
function run(seed: number): void {
  const rnd = new Random(seed);
  // What each number of the present incarnation is.
  let numbers: Numbered[] = [];
  let created = 7;
  let joinSeq = 1;
  let inGroup = true;
  let pushes: (() => Out[])[] = [];
  let flight: Page[] = [];
  const s = new Stream("g");
  let connected = false;
  // Of the present incarnation: the next number that must leave.
  let expected: number | undefined;
  const mayBeUnavailable = () => ended;
  let ended = false;

  const check = (out: Out[]) => {
    for (const o of out) {
      if (o.Event !== "Placeholder" && (o.Event !== "Message" || o.MsgSeq === undefined)) continue;
      const [from, to] = o.Event === "Message" ? [o.MsgSeq!, o.MsgSeq!] : [o.from, o.to];
      expected ??= from;
      assert.equal(from, expected, `seed ${seed}: ${JSON.stringify(o)}`);
      assert.ok(to >= from);
      expected = to + 1;
      if (o.Event === "Placeholder" && o.PlaceReason === "BeforeJoin") assert.ok(to < joinSeq, `seed ${seed}: before the join`);
      else if (o.Event === "Placeholder" && o.PlaceReason === "Unavailable") assert.ok(mayBeUnavailable(), `seed ${seed}: given up ${from}-${to}`);
      else {
        const is = numbers[from - 1]!;
        if (o.Event === "Message") assert.equal("message" in is && is.message, o, `seed ${seed}: another message`);
        else for (let n = from; n <= to; n++) assert.ok("reason" in numbers[n - 1]!, `seed ${seed}: there is a message ${n}`);
      }
    }
  };
  const connect = () => {
    connected = true;
    pushes = [];
    s.connected();
    flight = [];
  };
  const list = () => {
    if (!inGroup) return;
    const out = s.listed({ head: numbers.length, joinSeq, created });
    check(out);
  };
  connect();
  list();
  const steps = 400;
  for (let i = 0; i <= steps; i++) {
    const act = i === steps ? "settle" : rnd.pick(["post", "post", "post", "post", "push", "push", "push", "pull", "pull", "answer", "answer", "fail", "lose", "leave", "refound"]);
    if (act === "post") {
      const seq = numbers.length + 1;
      const one: Numbered = rnd.chance(0.2) ? { seq, reason: "NotForYou" } : item(seq, `${created}:${seq}`);
      numbers.push(one);
      if (!connected || !inGroup || rnd.chance(0.2)) continue;
      const at = rnd.chance(0.2) ? rnd.below(pushes.length + 1) : pushes.length;
      for (let n = rnd.chance(0.2) ? 2 : 1; n > 0; n--) pushes.splice(at, 0, () => s.pushed(one));
    } else if (act === "push") {
      const push = pushes.shift();
      if (push) check(push());
    } else if (act === "pull") {
      const page = s.next();
      if (page) flight.push(page);
      assert.ok(flight.length <= 2, `seed ${seed}: pulls`);
    } else if (act === "answer" && flight.length > 0) {
      const page = flight.splice(rnd.below(flight.length), 1)[0]!;
      check(s.pulled(page, numbers.slice(page.from - 1, page.to).reverse()));
    } else if (act === "fail" && flight.length > 0) {
      s.failed(flight.splice(rnd.below(flight.length), 1)[0]!);
    } else if (act === "lose" && rnd.chance(0.2)) {
      connected = false;
      pushes = [];
      if (rnd.chance(0.5)) {
        connect();
        // The list is made now; pushes may come before its answer.
        if (!inGroup) continue;
        const [head, join, founded] = [numbers.length, joinSeq, created];
        for (let n = rnd.below(4); n > 0; n--) {
          const one = item(numbers.length + 1, "raced");
          numbers.push(one);
          check(s.pushed(one));
        }
        check(s.listed({ head, joinSeq: join, created: founded }));
      } else {
        for (const page of flight) s.failed(page);
        flight = [];
      }
    } else if (act === "leave" && connected && rnd.chance(0.2)) {
      if (inGroup) {
        ended = true;
        check(s.end(false));
        ended = false;
        inGroup = false;
        pushes = [];
        flight = [];
      } else {
        // Back in: what came meanwhile is from before the join.
        inGroup = true;
        joinSeq = numbers.length + 1;
        pushes = [];
        list();
      }
    } else if (act === "refound" && rnd.chance(0.1)) {
      if (connected && inGroup) {
        ended = true;
        check(s.end(true));
        ended = false;
        created++;
        numbers = [];
        joinSeq = 1;
        pushes = [];
        flight = [];
        expected = undefined;
        list();
      }
    } else if (act === "settle") {
      connect();
      inGroup = true;
      list();
      for (let page = s.next(); page; page = s.next()) check(s.pulled(page, numbers.slice(page.from - 1, page.to).reverse()));
      assert.equal(s.missing, false, `seed ${seed}: missing`);
      assert.equal(s.last, numbers.length, `seed ${seed}: the end`);
    }
  }
}

test("every number leaves once and in order, whatever is lost, repeated or late", () => {
  for (let seed = 1; seed <= 1500; seed++) run(seed);
});
