// Parley for browsers and Node.js.

export { Parley, Stopped } from "./parley.ts";
export type { Events, Options, Outgoing, SendOptions, Waiting } from "./parley.ts";
export type { State } from "./connection.ts";
export { NoAnswer, NotBegun, Refusal } from "./rpc.ts";
export { OutboxFull } from "./outbox.ts";
export type { Stage, UnsentReason } from "./outbox.ts";
export type { Discarded, Outcome, Refused, Sent, Unsent } from "./sender.ts";
export type { Storage } from "./storage.ts";
export type * from "./types.ts";
