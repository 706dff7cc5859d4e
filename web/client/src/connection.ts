// The connection: the centrifuge package set up for Parley, and its codes in words.

import { Centrifuge, UnauthorizedError, type Options as CentrifugeOptions, type TransportEndpoint } from "centrifuge";

/**
 * Where the connection is. `code` and `words` say why, where there is a reason.
 *
 * - offline: connect was not called, or disconnect was.
 * - connecting: for the first time.
 * - connected.
 * - reconnecting: it comes back by itself.
 * - renew: the UserSig expired or is no longer valid, and there is no getUserSig:
 *   call renew with a new one.
 * - stopped: it does not come back by itself. The user must do something first.
 */
export interface State {
  status: "offline" | "connecting" | "connected" | "reconnecting" | "renew" | "stopped";
  code?: number;
  words?: string;
}

export interface ConnectionOptions {
  url: string;
  sdkAppID: number;
  userID: string;
  userSig?: string;
  getUserSig?: () => Promise<string>;
  platform?: string;
  websocket?: unknown;
}

export interface ConnectionEvents {
  state(state: State): void;
  connected(): void;
  pushed(data: unknown): void;
  /** Something failed that is tried again. */
  trouble(error: Error): void;
}

// How long a call may take. A send may wait 2 s for the journal and as long for
// the app's answer.
const callTimeout = 10_000;

const disconnectWords: Record<number, string> = {
  3001: "the server is shutting down",
  3005: "the UserSig expired",
  3008: "the connection was too slow",
  3012: "the connection did not answer",
  3014: "the UserSig is no longer valid",
  4500: "an administrator ended the connection",
  4501: "too many connections of this user: another device took the place",
  4502: "the account was deleted",
  4503: "the app was removed",
  4504: "logged out",
};

/**
 * judge tells what a lost connection, or one that was not made, asks for.
 * `final`: the library does not come back by itself.
 */
export function judge(code: number, reason: string, final: boolean): State {
  // Codes under 100 are the library's own.
  if (final && code === 0) return { status: "offline" };
  if (final && code === 1) return { status: "renew", code: 70001, words: "a new UserSig is needed" };
  const words = disconnectWords[code] ?? (reason || `code ${code}`);
  return { status: final ? "stopped" : "reconnecting", code, words };
}

/** endpoints are the addresses of a server, best first. */
export function endpoints(url: string): TransportEndpoint[] {
  const base = url.replace(/\/+$/, "");
  if (!/^https?:\/\//.test(base)) throw new TypeError(`url must begin with http:// or https://: ${url}`);
  return [
    { transport: "websocket", endpoint: base.replace(/^http/, "ws") + "/connection/websocket" },
    { transport: "http_stream", endpoint: base + "/connection/http_stream" },
    { transport: "sse", endpoint: base + "/connection/sse" },
  ];
}

export class Connection {
  readonly #events: ConnectionEvents;
  readonly #centrifuge: Centrifuge;
  #state: State = { status: "offline" };
  // A UserSig that was handed in and not used yet.
  #given = "";
  // The state does not change while a connect begins again.
  #quiet = false;

  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    this.#events = events;
    const { getUserSig } = options;
    const settings: Partial<CentrifugeOptions> = {
      data: { SDKAppID: options.sdkAppID, UserID: options.userID, ...(options.platform ? { Platform: options.platform } : {}) },
      token: options.userSig ?? "",
      // The library asks when there is no UserSig, or when it expired.
      getToken: async () => {
        const given = this.#given;
        this.#given = "";
        if (given) return given;
        if (!getUserSig) throw new UnauthorizedError("no getUserSig");
        const sig = await getUserSig();
        if (!sig) throw new Error("getUserSig gave nothing");
        return sig;
      },
      emulationEndpoint: options.url.replace(/\/+$/, "") + "/emulation",
      timeout: callTimeout,
      maxReconnectDelay: 20_000,
      name: "parley-js",
    };
    if (options.websocket) settings.websocket = options.websocket;
    this.#centrifuge = new Centrifuge(endpoints(options.url), settings);
    this.#centrifuge
      .on("connecting", ({ code, reason }) => this.#set(code === 0 ? { status: "connecting" } : judge(code, reason, false)))
      .on("connected", () => {
        this.#set({ status: "connected" });
        this.#events.connected();
      })
      .on("disconnected", ({ code, reason }) => this.#set(judge(code, reason, true)))
      .on("publication", ({ data }) => this.#events.pushed(data))
      .on("message", ({ data }) => this.#events.pushed(data))
      .on("error", ({ type, error }) => this.#events.trouble(new Error(`${type}: ${error.message || `code ${error.code}`}`)));
  }

  get state(): State {
    return this.#state;
  }

  connect(): void {
    this.#centrifuge.connect();
  }

  disconnect(): void {
    this.#centrifuge.disconnect();
  }

  /** Uses another UserSig: for the next connect, or when the present one expires. */
  renew(userSig: string): void {
    this.#given = userSig;
    const { status } = this.#state;
    if (status === "connected") return;
    // Without a token the library asks for one, so that this one is shown once. A
    // connect that is under way would go without: it begins again.
    const comes = status === "connecting" || status === "reconnecting";
    this.#quiet = true;
    if (comes) this.#centrifuge.disconnect();
    this.#centrifuge.setToken("");
    if (comes) this.#centrifuge.connect();
    this.#quiet = false;
  }

  /** Carries a call on the present connection; when there is none it rejects at once, as not begun. */
  async call(method: string, data: unknown): Promise<unknown> {
    if (this.#state.status !== "connected") throw Object.assign(new Error("not connected"), { code: 111 });
    return (await this.#centrifuge.rpc(method, data)).data;
  }

  #set(state: State): void {
    if (this.#quiet) return;
    this.#state = state;
    this.#events.state(state);
  }
}
