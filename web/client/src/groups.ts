// The groups one is in: which they are, and each one's order. This is what waits
// and calls for streams and rooms.

import type { Clock } from "./clock.ts";
import { backoff } from "./clock.ts";
import { noAccess, numbered, pull, tooLarge } from "./history.ts";
import { Room, type RoomMark } from "./room.ts";
import { NotBegun, NoAnswer, Refusal, type Rpc } from "./rpc.ts";
import { Stream, type Out, type Page } from "./stream.ts";
import type { GroupNotice, GroupType, Message, PlaceReason, Profile } from "./types.ts";

/** Where a group's messages end that were handed over: its last number, and when it was founded. */
export type Mark = [last: number, created: number];

export interface GroupsOptions {
  userID: string;
  clock: Clock;
  rpc: Rpc;
  /** Whether calls can be made now. */
  connected(): boolean;
  /** Hands over, in order. */
  out(thing: Out): void;
  /** The list of groups, or what is in it, changed. */
  changed(): void;
  /** The last number that was handed over before, in an earlier life of the program. */
  lastSeq(groupId: string): Mark | undefined;
  trouble(error: Error): void;
}

/** What comes on a group's channel. */
export type Push =
  | Message
  | GroupNotice
  | { Event: "Placeholder"; GroupId: string; MsgSeq: number; PlaceReason: PlaceReason }
  | { Event: "Recent"; GroupId: string; MessageList: Message[] };

const gapWait = 300;
const gapChance = 300;
const recentWait = 2000;
const listPage = 5000;
// Of all groups together: the server lets 64 calls of a connection wait.
const pullsAtOnce = 8;
// A group that is pushed and not listed is asked for again this often.
const unlistedMost = 3;
// One may leave and join groups between two pages of a list, so that it has as many
// as before and one is in none of the pages: it takes two lists without it then.
const unlistedInPages = 2;
const unreadMost = 999;

interface Group {
  id: string;
  profile?: Profile;
  stream: Stream;
  // Only if it is an AVChatRoom.
  room?: Room;
  // Where the room ended that one left.
  roomMark?: RoomMark;
  // When one last joined or left, in steps of #step.
  joined: number;
  left: number;
  in: boolean;
  unlisted: number;
  timer?: () => void;
  // Failed pulls since the last that was answered.
  failures: number;
}

export class Groups {
  readonly #o: GroupsOptions;
  readonly #groups = new Map<string, Group>();
  // Counts lists that were asked for and moves in and out of groups: a list says
  // nothing of what came after it was asked for.
  #step = 0;
  #life = 0;
  #listing = false;
  #listAgain = false;
  #listFailures = 0;
  #listTimer?: () => void;
  #pulls = 0;

  constructor(options: GroupsOptions) {
    this.#o = options;
  }

  /** The groups one is in, as last heard. */
  list(): Profile[] {
    return [...this.#groups.values()].filter((g) => g.in && g.profile).map((g) => g.profile!);
  }

  profile(groupId: string): Profile | undefined {
    return this.#groups.get(groupId)?.profile;
  }

  type(groupId: string): GroupType {
    const g = this.#groups.get(groupId);
    return g?.profile?.Type ?? (g?.room ? "AVChatRoom" : "Public");
  }

  /** The highest number of a group that is known to be there; 0 if nothing is known for certain. */
  head(groupId: string): number {
    const g = this.#groups.get(groupId);
    return g?.stream.open ? g.stream.head : 0;
  }

  /** What to remember for another life of the program. */
  marks(): Record<string, Mark> {
    const marks: Record<string, Mark> = {};
    for (const g of this.#groups.values()) {
      if (!g.room && g.stream.last !== undefined) marks[g.id] = [g.stream.last, g.stream.created ?? 0];
    }
    return marks;
  }

  /** A group was read up to a number, here or on another device. */
  read(groupId: string, seq: number): void {
    const g = this.#groups.get(groupId);
    const self = g?.profile?.SelfInfo;
    if (!g?.profile || !self || seq <= self.MsgSeq) return;
    self.MsgSeq = seq;
    self.UnreadMsgNum = Math.max(0, Math.min(self.UnreadMsgNum, g.profile.NextMsgSeq - 1 - seq));
    this.#o.changed();
  }

  /** A connection begins. */
  connected(): void {
    this.#life++;
    this.#listing = false;
    this.#listFailures = 0;
    for (const g of this.#groups.values()) {
      g.timer?.();
      g.timer = undefined;
      g.failures = 0;
      g.unlisted = 0;
      if (g.room) this.#holdRoom(g, g.room);
      else g.stream.connected();
    }
    this.#list();
  }

  /** The connection is gone. */
  disconnected(): void {
    this.#life++;
    this.#listing = false;
    this.#listTimer?.();
    this.#listTimer = undefined;
    for (const g of this.#groups.values()) {
      g.timer?.();
      g.timer = undefined;
    }
  }

  /** Something was pushed on a group's channel. */
  pushed(push: Push): void {
    const g = this.#group(push.GroupId);
    if (push.Event === "Recent" || ("Type" in push && push.Type === "AVChatRoom")) this.#becomeRoom(g);
    if (push.Event === "Recent") {
      g.timer?.();
      g.timer = undefined;
      g.in = true;
      this.#hand(g, g.room!.recent(push.MessageList ?? []));
      if (!g.profile) this.#list();
      return;
    }
    if (push.Event === "Placeholder") {
      if (!g.room) this.#hand(g, g.stream.pushed({ seq: push.MsgSeq, reason: push.PlaceReason }));
    } else if (push.Event === "Message") {
      if (g.room) this.#hand(g, g.room.pushed(push));
      else if (push.MsgSeq === undefined) this.#hand(g, g.stream.happened(push));
      else this.#hand(g, g.stream.pushed({ seq: push.MsgSeq, message: push }));
    } else {
      this.#noticed(g, push);
    }
    if (!g.room && !g.stream.open && g.stream.holds && !this.#listing) this.#list();
    this.#fillLater(g);
  }

  #group(id: string): Group {
    let g = this.#groups.get(id);
    if (!g) {
      const mark = this.#o.lastSeq(id);
      g = { id, stream: new Stream(id, mark?.[0], mark?.[1] || undefined), joined: 0, left: 0, in: false, unlisted: 0, failures: 0 };
      this.#groups.set(id, g);
    }
    return g;
  }

  #becomeRoom(g: Group): void {
    if (g.room) return;
    const room = new Room(g.roomMark);
    g.room = room;
    // What came before it was known to be a room.
    for (const thing of g.stream.end(true)) if (thing.Event !== "Placeholder") room.pushed(thing);
    this.#holdRoom(g, room);
  }

  #holdRoom(g: Group, room: Room): void {
    room.connected();
    g.timer?.();
    g.timer = undefined;
    // Recent comes first, after a connect and after one joined.
    g.timer = this.#o.clock.after(recentWait, () => {
      g.timer = undefined;
      if (room.holding) this.#hand(g, room.recent([]));
    });
  }

  #noticed(g: Group, notice: GroupNotice): void {
    if (leaves(notice, this.#o.userID)) {
      const gone = notice.Event === "GroupDissolved";
      g.left = ++this.#step;
      g.in = false;
      g.timer?.();
      g.timer = undefined;
      // It is the last thing of the group: what is missing can no longer be read.
      if (g.room) {
        this.#hand(g, [...g.room.pushed(notice), ...g.room.end()]);
        g.roomMark = gone ? undefined : g.room.mark;
      } else this.#hand(g, [...g.stream.happened(notice), ...g.stream.end(gone)]);
      g.profile = undefined;
      g.room = undefined;
      this.#o.changed();
      return;
    }
    if (notice.Event === "MemberJoined" && has(notice.MemberList, this.#o.userID)) {
      g.joined = ++this.#step;
      this.#list();
    }
    this.#hand(g, g.room ? g.room.pushed(notice) : g.stream.happened(notice));
    if (g.profile && apply(g.profile, notice, this.#o.userID)) this.#o.changed();
  }

  /** Reads the list of one's groups, now or when it has been read. */
  #list(): void {
    if (!this.#o.connected()) return;
    if (this.#listing) {
      this.#listAgain = true;
      return;
    }
    this.#listTimer?.();
    this.#listTimer = undefined;
    this.#listing = true;
    this.#listAgain = false;
    void this.#readList(this.#life, ++this.#step);
  }

  async #readList(life: number, step: number): Promise<void> {
    const profiles: Profile[] = [];
    let pages = 0;
    let limit = listPage;
    let total: number | undefined;
    const halve = (e: unknown): undefined => {
      if (!(e instanceof Refusal) || e.code !== tooLarge || limit === 1) throw e;
      limit = Math.ceil(limit / 2);
    };
    try {
      for (;;) {
        const page = await this.#o.rpc.call<{ TotalCount: number; GroupIdList: Profile[] }>("get_joined_group_list", {
          Limit: limit,
          Offset: profiles.length,
          WithHugeGroups: 1,
          WithNoActiveGroups: 1,
        }).catch(halve);
        if (life !== this.#life) return;
        if (!page) continue;
        pages++;
        // Groups joined or left between two pages move the others: once more then.
        if (total !== undefined && page.TotalCount !== total) {
          profiles.length = 0;
          pages = 0;
          total = undefined;
          continue;
        }
        total = page.TotalCount;
        // It may have fewer than were asked for and not be the last.
        profiles.push(...(page.GroupIdList ?? []));
        if (!page.GroupIdList?.length || profiles.length >= page.TotalCount) break;
      }
    } catch (e) {
      if (life !== this.#life) return;
      this.#listing = false;
      if (e instanceof Refusal) this.#o.trouble(e);
      this.#listTimer = this.#o.clock.after(backoff(this.#o.clock, this.#listFailures++, 1000, 30_000), () => this.#list());
      return;
    }
    if (life !== this.#life) return;
    this.#listing = false;
    this.#listFailures = 0;
    this.#listed(profiles, step, pages);
    if (this.#listAgain) this.#list();
  }

  #listed(profiles: Profile[], step: number, pages: number): void {
    const ids = new Set<string>();
    for (const profile of profiles) {
      ids.add(profile.GroupId);
      const g = this.#group(profile.GroupId);
      // One left after the list was asked for.
      if (g.left > step) continue;
      const known = g.profile;
      g.profile = profile;
      g.in = true;
      g.unlisted = 0;
      if (profile.Type === "AVChatRoom") {
        this.#becomeRoom(g);
        continue;
      }
      if (g.stream.open && known) continue;
      this.#hand(g, g.stream.listed({ head: profile.NextMsgSeq - 1, joinSeq: profile.SelfInfo?.JoinSeq ?? 1, created: profile.CreateTime ?? 0 }));
      this.#fill(g);
    }
    for (const g of [...this.#groups.values()]) {
      // One joined after the list was asked for, and another will be.
      if (ids.has(g.id) || g.joined > step) continue;
      const most = g.in ? (pages > 1 ? unlistedInPages : 1) : g.stream.holds ? unlistedMost : 1;
      if (most > 1 && ++g.unlisted < most) {
        this.#listTimer ??= this.#o.clock.after(1000, () => {
          this.#listTimer = undefined;
          this.#list();
        });
        continue;
      }
      if (g.in) g.unlisted = 0;
      if (g.room) {
        // A room may be missing in every list; what it pushes comes all the same.
        if (g.profile) {
          g.in = false;
          g.profile = undefined;
        }
        continue;
      }
      // One left, or the group was dissolved, while there was no connection.
      g.in = false;
      g.profile = undefined;
      this.#hand(g, g.stream.end(false));
    }
    this.#o.changed();
  }

  #hand(g: Group, things: readonly Out[]): void {
    for (const thing of things) {
      if (thing.Event === "Message" && g.profile) count(g.profile, thing, this.#o.userID);
      this.#o.out(thing);
    }
    if (!g.stream.missing && !g.room) {
      g.timer?.();
      g.timer = undefined;
    }
  }

  // What is pushed out of order often comes by itself: a gap is given a moment,
  // and chance keeps the members of a group from asking all at once.
  #fillLater(g: Group): void {
    if (g.room || !g.stream.missing || g.stream.pulling || g.timer) return;
    g.timer = this.#o.clock.after(gapWait + gapChance * this.#o.clock.random(), () => {
      g.timer = undefined;
      this.#fill(g);
    });
  }

  #fill(g: Group): void {
    while (this.#pulls < pullsAtOnce && this.#o.connected()) {
      const page = g.stream.next();
      if (!page) return;
      this.#pulls++;
      void this.#pull(g, g.stream, page, this.#life);
    }
  }

  async #pull(g: Group, stream: Stream, page: Page, life: number): Promise<void> {
    let retry = false;
    let things: Out[] = [];
    try {
      const items = await pull(this.#o.rpc, g.id, page);
      g.failures = 0;
      const last = stream.last;
      things = stream.pulled(page, items.map((item) => numbered(g.id, this.type(g.id), item)));
      // An answer that says nothing new is asked for again, but not at once.
      retry = items.length === 0 && stream.last === last;
    } catch (e) {
      if (e instanceof Refusal && noAccess.has(e.code)) {
        things = stream.refused(page);
      } else if (e instanceof Refusal && e.code === tooLarge) {
        // Not even the highest one alone can be had by this transport: the rest can.
        this.#o.trouble(e);
        things = stream.pulled(page, [{ seq: page.to, reason: "Unavailable" }]);
      } else {
        stream.failed(page);
        retry = true;
        if (!(e instanceof NoAnswer) && !(e instanceof NotBegun)) this.#o.trouble(e instanceof Error ? e : new Error(String(e)));
      }
    } finally {
      this.#pulls--;
    }
    this.#hand(g, things);
    if (life === this.#life) {
      if (retry && stream.missing) {
        g.timer?.();
        g.timer = this.#o.clock.after(backoff(this.#o.clock, g.failures++, 500, 30_000), () => {
          g.timer = undefined;
          this.#fill(g);
        });
      } else if (!g.timer) {
        this.#fill(g);
      }
    }
    // The place is another group's, if this one did not take it.
    for (const other of this.#groups.values()) {
      if (this.#pulls >= pullsAtOnce) return;
      if (!other.timer && other.stream.missing) this.#fill(other);
    }
  }
}

function has(members: { Member_Account: string }[] | undefined, userID: string): boolean {
  return members?.some((m) => m.Member_Account === userID) ?? false;
}

function leaves(push: Push, userID: string): boolean {
  return push.Event === "GroupDissolved" || (push.Event === "MemberLeft" && has(push.MemberList, userID));
}

// Groups in which the server counts nothing as unread.
const uncounted = new Set<GroupType>(["ChatRoom", "AVChatRoom"]);

// count keeps a profile's numbers when a message comes that the list did not know.
function count(profile: Profile, message: Message, userID: string): void {
  if (message.MsgSeq === undefined || message.MsgSeq < profile.NextMsgSeq) return;
  profile.NextMsgSeq = message.MsgSeq + 1;
  const self = profile.SelfInfo;
  if (message.From_Account === userID || !self || message.MsgSeq <= self.MsgSeq || uncounted.has(profile.Type)) return;
  self.UnreadMsgNum = Math.min(unreadMost, self.UnreadMsgNum + 1);
}

// apply brings a profile up to date; false if it was.
function apply(profile: Profile, notice: GroupNotice, userID: string): boolean {
  switch (notice.Event) {
    case "GroupChanged": {
      const { Event: _, GroupId: __, ...changes } = notice;
      Object.assign(profile, changes);
      return true;
    }
    case "OwnerChanged":
      profile.Owner_Account = notice.NewOwner_Account;
      if (notice.NewOwner_Account === userID) profile.SelfInfo.Role = "Owner";
      else if (notice.OldOwner_Account === userID) profile.SelfInfo.Role = "Member";
      return true;
    case "MemberChanged":
      if (notice.Member_Account !== userID || !notice.Role) return false;
      profile.SelfInfo.Role = notice.Role as Profile["SelfInfo"]["Role"];
      return true;
    case "MemberMuted":
      if (!has(notice.MemberList, userID)) return false;
      profile.SelfInfo.MuteUntil = notice.MuteUntil;
      return true;
    case "MemberJoined":
      profile.MemberNum += notice.MemberList.length;
      return true;
    case "MemberLeft":
      profile.MemberNum -= notice.MemberList.length;
      return true;
    default:
      return false;
  }
}
