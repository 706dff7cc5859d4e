// Calls, and the three things that may come of one: an answer, the word that
// nothing began, or nothing.

import type { Answer } from "./types.ts";

/** Nothing began (library error 111): the same call may be made again. */
export class NotBegun extends Error {
  constructor(message: string) {
    super(message);
    this.name = "NotBegun";
  }
}

/** There is no answer, and nobody knows whether the call took effect. */
export class NoAnswer extends Error {
  constructor(message: string) {
    super(message);
    this.name = "NoAnswer";
  }
}

/** The server refused a call, for good or for now: code and words are those of its answer. */
export class Refusal extends Error {
  readonly code: number;
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(answer.ErrorInfo);
    this.name = "Refusal";
    this.code = answer.ErrorCode;
    this.answer = answer;
  }
}

/** What carries a call: an answer's data, or a rejection with the library's error. */
export type Transport = (method: string, data: unknown) => Promise<unknown>;

// The server lets 64 calls of a connection wait. Sends are not counted here: one
// is under way at a time.
const callsAtOnce = 48;

export class Rpc {
  readonly #transport: Transport;
  #running = 0;
  readonly #queue: (() => void)[] = [];

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** call resolves to an answer that says OK; it rejects with Refusal, NotBegun or NoAnswer. */
  async call<T extends object = Answer>(method: string, data: object): Promise<T & Answer> {
    if (this.#running >= callsAtOnce) await new Promise<void>((go) => this.#queue.push(go));
    this.#running++;
    try {
      const answer = await this.ask(method, data);
      if (answer.ErrorCode !== 0 || answer.ActionStatus === "FAIL") throw new Refusal(answer);
      return answer as T & Answer;
    } finally {
      this.#running--;
      this.#queue.shift()?.();
    }
  }

  /** ask resolves to an answer, whatever it says; it rejects with NotBegun or NoAnswer. */
  async ask(method: string, data: object): Promise<Answer> {
    let answer: unknown;
    try {
      answer = await this.#transport(method, data);
    } catch (e) {
      throw judge(e);
    }
    if (typeof answer !== "object" || answer === null || typeof (answer as Answer).ErrorCode !== "number") {
      throw new NoAnswer("the answer has no ErrorCode");
    }
    return answer as Answer;
  }
}

function judge(e: unknown): Error {
  const error = e as { code?: unknown; message?: unknown } | null;
  const words = String(error?.message ?? e);
  return error?.code === 111 ? new NotBegun(words) : new NoAnswer(words);
}
