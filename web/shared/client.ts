// Calls of a server's JSON API.

// ApiError is an answer that says a call failed, or that there was none:
// status 0.
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: number,
    readonly info: string,
  ) {
    super(info);
    this.name = "ApiError";
  }
}

export interface ClientOptions {
  base: string;
  // Sent with every call that may change something.
  changeHeaders: Record<string, string>;
  // Called once an answer says that nobody is logged in.
  loggedOut: () => void;
}

export class Client {
  constructor(private readonly options: ClientOptions) {}

  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.call<T>("GET", path, undefined, signal);
  }

  // call resolves to the body of a 200. An answer with an ErrorCode rejects,
  // whatever its status: the REST commands fail with 200.
  async call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.options.base + path, {
        method,
        signal: signal ?? null,
        headers: method === "GET" ? {} : { ...this.options.changeHeaders, "Content-Type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (e) {
      if (signal?.aborted) throw e;
      throw new ApiError(0, 0, e instanceof Error ? e.message : String(e));
    }
    if (response.status === 401) this.options.loggedOut();
    let answer: unknown;
    try {
      answer = text === "" ? {} : JSON.parse(text);
    } catch {
      throw new ApiError(response.status, 0, text.slice(0, 300));
    }
    const envelope = answer as { ErrorCode?: number; ErrorInfo?: string } | null;
    // A 200 that has an ErrorCode of its own may also be an event; its Info is
    // then no failure, so only the envelope of a command counts.
    const failed = isEnvelope(answer) && (envelope?.ErrorCode ?? 0) !== 0;
    if (!response.ok || failed) {
      throw new ApiError(response.status, envelope?.ErrorCode ?? 0, envelope?.ErrorInfo ?? "");
    }
    return answer as T;
  }
}

// isEnvelope tells the answer of a command from an event, which has an
// ErrorCode too.
function isEnvelope(answer: unknown): boolean {
  return typeof answer === "object" && answer !== null && "ErrorCode" in answer && !("Sequence" in answer);
}
