// Shapes of the wire. Names are those of the REST API.

/** One element of a message, as in the REST API. */
export interface MsgElement {
  MsgType: string;
  MsgContent: Record<string, unknown>;
}

/** Whom a message names: everybody, or one member. */
export interface GroupAt {
  GroupAtAllFlag: 0 | 1;
  GroupAt_Account?: string;
}

export type Priority = "High" | "Normal" | "Low" | "Lowest";
export type GroupType = "Private" | "Public" | "ChatRoom" | "AVChatRoom" | "Community";

/** A message of a group. One that was sent with OnlineOnlyFlag 1 has no MsgSeq and is in no history. */
export interface Message {
  Event: "Message";
  GroupId: string;
  Type: GroupType;
  From_Account: string;
  /** The number in the group, from 1, without gaps. */
  MsgSeq?: number;
  /** Unix seconds of the server. */
  MsgTime: number;
  Random: number;
  MsgPriority: Priority;
  MsgBody: MsgElement[];
  CloudCustomData?: string;
  OnlineOnlyFlag: 0 | 1;
  GroupAtInfo?: GroupAt[];
  To_Account?: string[];
}

/**
 * Why there is no message under a number. NotForYou: it has other receivers.
 * BeforeJoin: from before one joined. Unavailable: one was out of the group, or
 * the group was gone, before it could be read.
 */
export type PlaceReason = "NotForYou" | "Deleted" | "Recalled" | "BeforeJoin" | "Unavailable";

/** Numbers of a group, `from` to `to`, that have no message for this user. */
export interface Placeholder {
  Event: "Placeholder";
  GroupId: string;
  from: number;
  to: number;
  PlaceReason: PlaceReason;
}

interface OfGroup {
  GroupId: string;
}
interface Members {
  MemberList: { Member_Account: string }[];
}

/** Something that happened in a group, in its order among the group's messages. */
export type GroupNotice =
  | (OfGroup & Members & { Event: "MemberJoined"; JoinType: "Apply" | "Invited"; Operator_Account: string; EventTime: number })
  | (OfGroup & Members & { Event: "MemberLeft"; ExitType: "Quit" | "Kicked"; Operator_Account: string; EventTime?: number })
  | (OfGroup & { Event: "MemberChanged"; Member_Account: string; Role?: string; NameCard?: string })
  | (OfGroup & { Event: "OwnerChanged"; OldOwner_Account: string; NewOwner_Account: string })
  | (OfGroup & Members & { Event: "MemberMuted"; MuteUntil: number })
  | (OfGroup & { Event: "GroupChanged" } & Partial<Pick<Profile, ChangeableField>>)
  | (OfGroup & { Event: "MsgRecalled"; MsgSeqList: { MsgSeq: number }[]; Operator_Account: string })
  | (OfGroup & { Event: "GroupDissolved"; Operator_Account: string });

/** Something for this user alone. */
export type UserNotice =
  | (OfGroup & { Event: "Application"; Applicant_Account: string; ApplyMsg: string; EventTime: number })
  | (OfGroup & { Event: "ApplicationHandled"; HandleMsg: "Agree" | "Reject"; Operator_Account: string; ApprovalMsg: string })
  | { Event: "AccountMuted"; MuteUntil: number }
  | (OfGroup & { Event: "Read"; MsgReadedSeq: number });

export type Notice = GroupNotice | UserNotice;

type ChangeableField =
  | "Name" | "Introduction" | "Notification" | "FaceUrl" | "MaxMemberNum"
  | "ApplyJoinOption" | "InviteJoinOption" | "MuteAllMember";

/** What one is in a group. */
export interface SelfInfo {
  Role: "Owner" | "Admin" | "Member";
  /** Unix seconds. */
  JoinTime: number;
  MsgFlag: string;
  /** The last number that was read. */
  MsgSeq: number;
  /** The first number that one may see. */
  JoinSeq: number;
  UnreadMsgNum: number;
  /** Unix seconds; 0 is not muted, 4294967295 for ever. */
  MuteUntil: number;
}

/** A group one is in. Times are Unix seconds. */
export interface Profile {
  GroupId: string;
  Type: GroupType;
  Name: string;
  Introduction: string;
  Notification: string;
  FaceUrl: string;
  Owner_Account: string;
  CreateTime: number;
  MemberNum: number;
  MaxMemberNum: number;
  ApplyJoinOption: string;
  InviteJoinOption: string;
  MuteAllMember: "On" | "Off";
  /** The number that the next message will have. */
  NextMsgSeq: number;
  SelfInfo: SelfInfo;
  [field: string]: unknown;
}

/** The answer to a call. A refused send may have RetryAfter (seconds) and EventId. */
export interface Answer {
  ActionStatus: "OK" | "FAIL";
  ErrorCode: number;
  ErrorInfo: string;
  RetryAfter?: number;
  EventId?: string;
  [field: string]: unknown;
}

/** The body of send_group_msg, without GroupId and Random. */
export interface SendBody {
  MsgBody: MsgElement[];
  MsgPriority?: Priority;
  CloudCustomData?: string;
  OnlineOnlyFlag?: 1;
  To_Account?: string[];
  GroupAtInfo?: GroupAt[];
}

/** An item of the history. */
export interface HistoryItem {
  From_Account?: string;
  /** 0 a message, 1 none, 2 recalled. */
  IsPlaceMsg: 0 | 1 | 2;
  PlaceReason?: PlaceReason;
  MsgBody?: MsgElement[];
  MsgPriority?: number;
  MsgRandom?: number;
  MsgSeq: number;
  MsgTimeStamp?: number;
  CloudCustomData?: string;
  To_Account?: string[];
  GroupAtInfo?: GroupAt[];
}
