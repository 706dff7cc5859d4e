// The history: pages of it, and what they say.

import type { Rpc } from "./rpc.ts";
import { Refusal } from "./rpc.ts";
import { sameContent, type Entry, type Lookup } from "./outbox.ts";
import { pageSize, type Numbered, type Page } from "./stream.ts";
import type { GroupType, HistoryItem, Message, PlaceReason, Priority } from "./types.ts";

/** The answer would have more bytes than the server sends: over a fall-back that is 128 KB. */
export const tooLarge = 10018;
/** What the server says when a history may not be read, or when there is none. */
export const noAccess = new Set([10007, 10010, 10015]);
const noHistory = 10044;

// How far back a message is looked for, in messages of its group.
const lookupMost = 2000;

const priorities: readonly (Priority | undefined)[] = [undefined, "High", "Normal", "Low", "Lowest"];

/**
 * pull asks for numbers of a group, and has the highest first. Without a page it
 * asks for the newest. Where an answer would be too large it has fewer than that.
 */
export async function pull(rpc: Rpc, groupId: string, page?: Page): Promise<HistoryItem[]> {
  for (let n = page ? page.to - page.from + 1 : pageSize; ; n = Math.ceil(n / 2)) {
    try {
      const { RspMsgList } = await rpc.call<{ RspMsgList?: HistoryItem[] }>("group_msg_get_simple", {
        GroupId: groupId,
        ReqMsgNumber: n,
        ...(page ? { ReqMsgSeq: page.to } : {}),
      });
      return RspMsgList ?? [];
    } catch (e) {
      if (!(e instanceof Refusal) || e.code !== tooLarge || n === 1) throw e;
    }
  }
}

/** numbered makes of an item what the stream of its group takes. */
export function numbered(groupId: string, type: GroupType, item: HistoryItem): Numbered {
  if (item.IsPlaceMsg !== 0) {
    const reason: PlaceReason = item.IsPlaceMsg === 2 ? "Recalled" : (item.PlaceReason ?? "Deleted");
    return { seq: item.MsgSeq, reason };
  }
  const message: Message = {
    Event: "Message",
    GroupId: groupId,
    Type: type,
    From_Account: item.From_Account ?? "",
    MsgSeq: item.MsgSeq,
    MsgTime: item.MsgTimeStamp ?? 0,
    Random: item.MsgRandom ?? 0,
    MsgPriority: priorities[item.MsgPriority ?? 2] ?? "Normal",
    MsgBody: item.MsgBody ?? [],
    OnlineOnlyFlag: 0,
  };
  if (item.CloudCustomData) message.CloudCustomData = item.CloudCustomData;
  if (item.GroupAtInfo) message.GroupAtInfo = item.GroupAtInfo;
  if (item.To_Account) message.To_Account = item.To_Account;
  return { seq: item.MsgSeq, message };
}

/**
 * lookup looks for a message of this user among those that came after its first
 * try, from the newest down. It rejects when the history could not be asked.
 */
export async function lookup(rpc: Rpc, userID: string, e: Entry, type: GroupType): Promise<Lookup> {
  if (e.body.OnlineOnlyFlag || type === "AVChatRoom") return { reason: "NoHistory" };
  let maybe: number | undefined;
  let page: Page | undefined;
  for (let seen = 0; seen < lookupMost; ) {
    let items: HistoryItem[];
    try {
      items = await pull(rpc, e.groupId, page);
    } catch (error) {
      if (error instanceof Refusal && error.code === noHistory) return { reason: "NoHistory" };
      if (error instanceof Refusal && noAccess.has(error.code)) return { reason: "NoAccess" };
      throw error;
    }
    for (const item of items) {
      if (item.MsgSeq <= e.base || item.From_Account !== userID || item.MsgRandom !== e.random) continue;
      const n = numbered(e.groupId, type, { ...item, IsPlaceMsg: 0 });
      // A recalled message lost its content, a rewritten one has another.
      if ("message" in n && item.IsPlaceMsg === 0 && sameContent(e.body, n.message)) return { found: n.message };
      maybe = item.MsgSeq;
    }
    seen += items.length;
    const lowest = Math.min(...items.map((item) => item.MsgSeq));
    if (items.length === 0 || lowest <= e.base + 1) {
      return maybe === undefined ? { reason: "NotFound" } : { reason: "Differs", maybe };
    }
    page = { from: Math.max(1, e.base + 1, lowest - pageSize), to: lowest - 1 };
  }
  return { reason: "TooMuch", maybe };
}
