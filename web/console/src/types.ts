// The shapes of the server's answers, as in the Go package api.

export interface AppSettings {
  CallbackURL: string;
  CallbackSigned: boolean;
  CallbackCA: string;
  CallbackCommands: string[];
  EventTime: string;
  ModernTypes: boolean;
  BeforeSendFailure: string;
  LimitAfterBeforeSend: boolean;
  OnFrequency: string;
  GroupRate: number;
  SenderRate: number;
  APIRate: number;
  StormLimit: number;
  MaxMessage: number;
  MaxAt: number;
  MissingGroup: number;
}

export interface App {
  SDKAppID: number;
  Admins: string[] | null;
  Epoch: string;
  Head: number;
  Settings: AppSettings;
  Attempts: number;
  Accepted: number;
  Refused: number;
  Dropped: number;
  Repeated: number;
  Unanswered: number;
  Waiting: number;
}

export interface AppKey {
  SDKAppID: number;
  Key: string;
}

export interface Status {
  Ready: boolean;
  Fault: string; // why it is not ready
  Trouble: string; // why sends are refused although it is
  Version: string;
}

export interface Event {
  Sequence: number;
  EventId: string;
  Command: string;
  EventTime: number;
  ErrorCode: number;
  Rule?: string;
  GroupId: string;
  From_Account: string;
  Random: number;
  ClientIP: string;
  OptPlatform: string;
  Count: number;
  /** Of a login or logout. */
  Action?: string;
  Reason?: string;
  Truncated?: number;
  Body?: unknown;
}

export interface EventsPage {
  Epoch: string;
  Head: number;
  FirstSequence: number;
  Expired: number;
  Next: number;
  More: boolean;
  Events: Event[];
}

export interface Attempt {
  Attempt: number;
  At: number;
  Duration: number;
  Status: number;
  Result: string;
  Reason?: string;
  Answer?: string;
  Replay?: boolean;
}

export type DeliveryState = "delivered" | "waiting" | "dead" | "unwanted" | "earlier";

export interface EventDelivery {
  Endpoint: string;
  State: DeliveryState;
  NextAt?: number;
  Reason?: string;
  Replay?: boolean;
  Attempts: Attempt[];
}

export interface EventDetail extends Event {
  Epoch: string;
  ErrorInfo?: string;
  Compared?: Record<string, unknown>;
  BeforeSend?: Record<string, unknown>;
  Deliveries: EventDelivery[];
}

export interface ReplayJob {
  Id: number;
  Endpoint: string;
  First: number;
  Last: number;
  Next: number;
  Dead?: boolean;
  Code?: number;
  Group?: string;
}

export interface SigningKey {
  Id: string;
  Kind: string;
  Public?: string;
}

export interface Lane {
  Here: boolean;
  Cursor: number;
  Settled: number;
  Backlog: number;
  Waiting: number;
  Dead: number;
  OldestAt?: number;
  Limit: number;
  InFlight: number;
  FailingAt?: number;
  DeliveredAt?: number;
  LastError?: string;
  Replays?: ReplayJob[];
}

export interface Endpoint {
  Id: string;
  URL: string;
  Commands: string[] | null;
  ErrorCodes: number[] | null;
  GroupIds: string[] | null;
  Signed: boolean;
  SigningKeys: SigningKey[] | null;
  CA: string;
  ClientCert: string;
  MinTLS: string;
  MaxInFlight: number;
  Rate: number;
  Order: string;
  GroupHold: number;
  Timeout: number;
  Retry: number[] | null;
  MaxAge: number;
  Objection: string;
  Heartbeat: number;
  State: string;
  Reason?: string;
  Lane: Lane;
}

export interface TestResult extends Attempt {
  EventId: string;
  URL: string;
  Delivered: boolean;
  Next: string;
}

export interface Explanation {
  Outcome: "refused" | "dropped" | "accepted" | "unknown";
  Exception?: EventDetail;
  Message?: {
    GroupId: string;
    From_Account: string;
    MsgSeq: number;
    MsgTime: number;
    Random: number;
    Recalled?: boolean;
    Unanswered?: boolean;
    Rewritten?: boolean;
  };
  Text: string;
}

export interface Token {
  Id: string;
  Name: string;
  CreatedAt: number;
}

export interface GroupInfo {
  GroupId: string;
  ErrorCode: number;
  ErrorInfo: string;
  Type: string;
  Name: string;
  Introduction: string;
  Notification: string;
  Owner_Account: string;
  CreateTime: number;
  LastMsgTime: number;
  NextMsgSeq: number;
  MemberNum: number;
  MaxMemberNum: number;
  ApplyJoinOption: string;
  InviteJoinOption: string;
  MuteAllMember: string;
}

export interface Member {
  Member_Account: string;
  Role: string;
  JoinTime: number;
  LastSendMsgTime: number;
  NameCard: string;
  MuteUntil: number;
}

export interface StoredMessage {
  From_Account: string;
  IsPlaceMsg: number;
  MsgBody: unknown;
  MsgSeq: number;
  MsgTimeStamp: number;
  MsgRandom: number;
}

export interface JoinedGroup {
  GroupId: string;
  Type: string;
  Name: string;
  SelfInfo?: { Role: string; JoinTime: number };
}

// forever is the end and the length of a mute without end, in seconds.
export const forever = 4294967295;
export const exceptionCommand = "Group.CallbackSendMsgException";
export const stateCommand = "State.StateChange";
export const callbackCommands = [exceptionCommand, "Group.CallbackBeforeSendMsg", "Group.CallbackAfterSendMsg", stateCommand];
export const groupTypes = ["Public", "Private", "ChatRoom", "AVChatRoom", "Community"];
