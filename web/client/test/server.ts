// A server as far as a client sees it, for what a real one cannot do on demand:
// lose an answer, a push or a connection at a chosen moment. It keeps groups,
// numbers and repeats as docs/clients.md says. Over the wire it speaks the JSON
// protocol of Centrifuge: see serve in wire.ts.

import type { HistoryItem, Message, MsgElement, SendBody } from "../src/types.ts";

interface ServerGroup {
  id: string;
  type: string;
  created: number;
  items: HistoryItem[];
  members: Map<string, { joinSeq: number }>;
}

const ok = { ActionStatus: "OK", ErrorCode: 0, ErrorInfo: "" };
export const fail = (ErrorCode: number, ErrorInfo: string, more: object = {}) => ({ ActionStatus: "FAIL", ErrorCode, ErrorInfo, ...more });

export class TestServer {
  readonly groups = new Map<string, ServerGroup>();
  /** Where a push to a user goes. */
  push: (userID: string, data: object) => void = () => {};
  /** Refuses sends, if set. */
  refuse?: (body: SendBody) => object | undefined;
  readonly calls: { method: string; body: Record<string, unknown> }[] = [];
  readonly #accepted = new Map<string, { at: number; answer: object }>();
  readonly #now: () => number;
  #founded = 100;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  found(id: string, members: string[], type = "Public"): ServerGroup {
    const g: ServerGroup = { id, type, created: this.#founded++, items: [], members: new Map(members.map((m) => [m, { joinSeq: 1 }])) };
    this.groups.set(id, g);
    return g;
  }

  join(id: string, userID: string): void {
    const g = this.groups.get(id)!;
    g.members.set(userID, { joinSeq: g.items.length + 1 });
    this.#tell(g, { Event: "MemberJoined", GroupId: id, JoinType: "Apply", Operator_Account: userID, MemberList: [{ Member_Account: userID }], EventTime: 1 });
  }

  leave(id: string, userID: string): void {
    const g = this.groups.get(id)!;
    this.#tell(g, { Event: "MemberLeft", GroupId: id, ExitType: "Kicked", Operator_Account: "admin", MemberList: [{ Member_Account: userID }] });
    g.members.delete(userID);
  }

  dissolve(id: string): void {
    const g = this.groups.get(id)!;
    this.#tell(g, { Event: "GroupDissolved", GroupId: id, Operator_Account: "admin" });
    this.groups.delete(id);
  }

  /** Somebody else's message, which is stored and pushed. */
  post(id: string, from: string, body: MsgElement[], random: number, more: Partial<SendBody> = {}): number {
    const g = this.groups.get(id)!;
    const MsgSeq = g.items.length + 1;
    g.items.push({ From_Account: from, IsPlaceMsg: 0, MsgBody: body, MsgPriority: 2, MsgRandom: random, MsgSeq, MsgTimeStamp: 1000 + MsgSeq, ...more } as HistoryItem);
    for (const userID of g.members.keys()) {
      this.push(userID, hidden(g.items[MsgSeq - 1]!, userID)
        ? { Event: "Placeholder", GroupId: id, MsgSeq, PlaceReason: "NotForYou" }
        : this.message(g, g.items[MsgSeq - 1]!));
    }
    return MsgSeq;
  }

  #tell(g: ServerGroup, data: object): void {
    for (const userID of g.members.keys()) this.push(userID, data);
  }

  message(g: ServerGroup, item: HistoryItem): Message {
    return {
      Event: "Message", GroupId: g.id, Type: g.type as Message["Type"], From_Account: item.From_Account!, MsgSeq: item.MsgSeq, MsgTime: item.MsgTimeStamp!,
      Random: item.MsgRandom!, MsgPriority: "Normal", MsgBody: item.MsgBody!, OnlineOnlyFlag: 0,
      ...(item.To_Account ? { To_Account: item.To_Account } : {}), ...(item.CloudCustomData ? { CloudCustomData: item.CloudCustomData } : {}),
    };
  }

  /** How many groups an answer lists at most, and above how many it is refused. */
  listMost = Infinity;
  listRefusedAbove = Infinity;
  /** How many numbers of a history may be asked for, and which message is too large for any answer. */
  historyMost = Infinity;
  tooLarge = 0;

  /** The answer to a call. */
  call(userID: string, method: string, data: unknown): object {
    const body = data as Record<string, unknown>;
    this.calls.push({ method, body });
    if (method === "get_joined_group_list") return this.#list(userID, body);
    if (method === "logout") return ok;
    if (!["group_msg_get_simple", "send_group_msg", "msg_read"].includes(method)) return fail(60009, "unknown command");
    const g = this.groups.get(body.GroupId as string);
    if (!g) return fail(10010, "this group does not exist");
    if (method === "group_msg_get_simple") return this.#history(g, userID, body);
    if (method === "send_group_msg") return this.#send(g, userID, body);
    return { ...ok, MsgReadedSeq: Math.min(body.MsgReadedSeq as number, g.items.length) };
  }

  #list(userID: string, body: Record<string, unknown>): object {
    const list = [...this.groups.values()].filter((g) => g.members.has(userID)).map((g) => ({
      GroupId: g.id, Type: g.type, Name: g.id, CreateTime: g.created, MemberNum: g.members.size, NextMsgSeq: g.items.length + 1,
      SelfInfo: { Role: "Member", JoinTime: 1, MsgFlag: "AcceptAndNotify", MsgSeq: 0, JoinSeq: g.members.get(userID)!.joinSeq, UnreadMsgNum: 0, MuteUntil: 0 },
    }));
    const page = list.slice(body.Offset as number, (body.Offset as number) + (body.Limit as number));
    if (page.length > this.listRefusedAbove) return fail(10018, "the answer is too large");
    return { ...ok, TotalCount: list.length, GroupIdList: page.slice(0, this.listMost) };
  }

  #history(g: ServerGroup, userID: string, body: Record<string, unknown>): object {
    const member = g.members.get(userID);
    if (!member) return fail(10007, "not a member");
    if (g.type === "AVChatRoom") return fail(10044, "no history");
    if ((body.ReqMsgNumber as number) > this.historyMost) return fail(10018, "the answer is too large");
    const newest = Math.min((body.ReqMsgSeq as number) || g.items.length, g.items.length);
    const list = g.items.slice(Math.max(0, newest - (body.ReqMsgNumber as number)), newest).reverse().map((item): HistoryItem => {
      if (item.MsgSeq < member.joinSeq) return { IsPlaceMsg: 1, PlaceReason: "BeforeJoin", MsgSeq: item.MsgSeq };
      return hidden(item, userID) ? { IsPlaceMsg: 1, PlaceReason: "NotForYou", MsgSeq: item.MsgSeq } : item;
    });
    if (list.some((item) => item.MsgSeq === this.tooLarge)) return fail(10018, "the answer is too large");
    return { ...ok, GroupId: g.id, IsFinished: 1, RspMsgList: list };
  }

  #send(g: ServerGroup, userID: string, body: Record<string, unknown>): object {
    const { GroupId: _, Random, ...content } = body as unknown as SendBody & { GroupId: string; Random: number };
    const key = JSON.stringify([g.id, userID, Random, content]);
    const before = this.#accepted.get(key);
    if (before && this.#now() - before.at < 5 * 60_000) return before.answer;
    if (!g.members.has(userID)) return fail(10007, "not a member");
    const refusal = this.refuse?.(content);
    if (refusal) return refusal;
    const MsgSeq = this.post(g.id, userID, content.MsgBody, Random, content);
    const answer = { ...ok, MsgTime: 1000 + MsgSeq, MsgSeq };
    this.#accepted.set(key, { at: this.#now(), answer });
    return answer;
  }
}

function hidden(item: HistoryItem, userID: string): boolean {
  return item.To_Account !== undefined && item.From_Account !== userID && !item.To_Account.includes(userID);
}
