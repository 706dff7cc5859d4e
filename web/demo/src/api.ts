// What the page's own server answers.

export interface Hello {
  Server: string;
  SDKAppID: number;
  Users: { UserID: string; Nick: string }[];
  Groups: { GroupId: string; Type: string; Name: string }[];
  /** A group that was dissolved. */
  Gone: string;
  /** A word of the filter. */
  Word: string;
  Monitor: string;
  Console: string;
}

/** An exception as the monitor keeps it. */
export interface Exception {
  EventId: string;
  ErrorCode: number;
  ErrorInfo: string;
  GroupId: string;
  From_Account: string;
  /** The user of the connection, or the app's admin who sent over REST, as the simulated crowd does. */
  Operator_Account: string;
  Sequence: number;
  /** Unix milliseconds of the monitor. */
  ReceivedAt: number;
}

async function get(path: string): Promise<Response> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response;
}

export async function hello(): Promise<Hello> {
  return (await get("/api/hello")).json();
}

export async function userSig(user: string): Promise<string> {
  return ((await (await get("/api/usersig?" + new URLSearchParams({ user }))).json()) as { UserSig: string }).UserSig;
}

/** What arrived after a cursor, the oldest first, and the cursor to go on from. */
export async function exceptions(after: string): Promise<{ list: Exception[]; cursor: string; more: boolean }> {
  const response = await get("/api/exceptions?" + new URLSearchParams({ limit: "1000", ...(after ? { after } : {}) }));
  const page = (await response.json()) as { Exceptions: Exception[]; Next: string };
  return { list: page.Exceptions, cursor: response.headers.get("Parley-Cursor") ?? after, more: page.Next !== "" };
}
