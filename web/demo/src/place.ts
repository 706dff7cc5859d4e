// What the address names: who sits in which column, and the group. Any number of
// windows can be opened with any of them.

import { go } from "../../shared/router";

export type Side = "left" | "right";

export interface Seat {
  user: string;
  group: string;
}

// The right column shows the left one's group until it has one of its own.
export function seatOf(query: URLSearchParams, side: Side): Seat {
  const group = query.get("group") || "lounge";
  return side === "left"
    ? { user: valid(query.get("left")) ?? "alice", group }
    : { user: valid(query.get("right")) ?? "bob", group: query.get("group2") || group };
}

export function sit(side: Side, change: Partial<Seat>): void {
  const query = new URLSearchParams(location.search);
  const left = { ...seatOf(query, "left"), ...(side === "left" ? change : {}) };
  const right = { ...seatOf(query, "right"), ...(side === "right" ? change : {}) };
  const next = new URLSearchParams({ left: left.user, right: right.user, group: left.group });
  if (right.group !== left.group) next.set("group2", right.group);
  go(location.pathname + "?" + next.toString(), true);
}

/** The server gives UserSigs to such names alone. */
function valid(user: string | null): string | undefined {
  return user && /^[a-z0-9]{1,12}$/.test(user) ? user : undefined;
}
