import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Notice, Profile } from "../../client/src/index.ts";
import { explainCode } from "../../shared/codes";
import { clock, utc } from "../../shared/time";
import type { Act } from "./column";
import { useBefore, useNow, useWatched } from "./hooks";
import { hasArrived, watchRefusals } from "./refusals";
import { textOf, type Item, type Own, type Said } from "./timeline";
import type { User } from "./user";
import { language, t } from "./words";

const forever = 4294967295;
const recallFor = 120; // seconds

interface Props {
  user: User;
  group: string;
  name: string;
  profile: Profile | undefined;
  console: string;
  app: number;
  act: Act;
}

export function Messages(props: Props) {
  const { user, group, profile } = props;
  const line = user.timeline(group);
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const top = useRef(0); // where it was scrolled to
  const [busy, setBusy] = useState(false);
  useWatched(watchRefusals, group);

  // Who reads the newest, or writes, keeps reading the newest; who reads older
  // ones is left there.
  const toEnd = () => {
    const e = list.current;
    if (e?.clientHeight === 0) top.current = 0; // not shown: it begins anew
    if (e && atEnd.current) e.scrollTop = e.scrollHeight;
  };
  // Only who scrolls up leaves the end: the list may have become smaller meanwhile.
  const scrolled = (e: HTMLElement) => {
    if (e.clientHeight === 0) return;
    atEnd.current = e.scrollHeight - e.scrollTop - e.clientHeight < 40 || (atEnd.current && e.scrollTop >= top.current);
    top.current = e.scrollTop;
    if (atEnd.current) user.seen(group);
  };
  const newest = line.items.at(-1);
  const written = newest?.kind === "own" && newest.state === "sending" ? newest.key : "";
  useLayoutEffect(() => {
    if (written) atEnd.current = true;
    toEnd();
  }, [line.items, written]);
  // Also when the list itself gets smaller or is shown again.
  useEffect(() => {
    const sizes = new ResizeObserver(toEnd);
    sizes.observe(list.current!);
    return () => sizes.disconnect();
  }, []);
  useEffect(() => {
    const see = () => {
      if (!document.hidden && atEnd.current) user.seen(group);
    };
    see();
    document.addEventListener("visibilitychange", see);
    return () => document.removeEventListener("visibilitychange", see);
  });

  const earlier = async () => {
    const e = list.current!;
    const below = e.scrollHeight - e.scrollTop;
    setBusy(true);
    await user.earlier(group).catch(() => {});
    setBusy(false);
    requestAnimationFrame(() => { e.scrollTop = e.scrollHeight - below; });
  };
  const older = profile !== undefined && profile.Type !== "AVChatRoom" && line.begun && line.first > (profile.SelfInfo?.JoinSeq ?? 1) && line.first < Infinity;
  return (
    <div class="messages" ref={list} tabIndex={0} role="log" aria-live="polite" aria-relevant="additions" aria-label={t.messages(props.name, user.id)}
      onScroll={(e) => scrolled(e.currentTarget)}>
      {older && <button type="button" class="earlier" disabled={busy} onClick={earlier}>{t.earlier}</button>}
      {line.items.length === 0 && profile && <p class="empty">{t.nothingYet}</p>}
      {line.items.map((item) => <Line key={item.key} item={item} {...props} />)}
    </div>
  );
}

function Line(props: Props & { item: Item }) {
  const { item } = props;
  switch (item.kind) {
    case "message": return <Message {...props} item={item} />;
    case "own": return <OwnMessage {...props} item={item} />;
    case "place": return <p class="aside-line">{t.place(item.from, item.to, t.places[item.reason] ?? item.reason)}</p>;
    case "notice": {
      const words = told(item.notice);
      return words ? <p class="aside-line">{words}</p> : null;
    }
  }
}

function Clock(props: { seconds: number }) {
  const ms = props.seconds * 1000;
  return <time dateTime={new Date(ms).toISOString()} title={utc(ms)}>{clock(ms)}</time>;
}

function Message(props: Props & { item: Said }) {
  const { message, recalled } = props.item;
  const own = message.From_Account === props.user.id;
  const role = props.profile?.SelfInfo?.Role;
  const recallable = !recalled && props.profile !== undefined && props.profile.Type !== "AVChatRoom" && message.MsgSeq !== undefined && (own || role === "Owner" || role === "Admin");
  const young = useBefore((message.MsgTime + recallFor) * 1000);
  return (
    <article class={"said" + (own ? " own" : "")}>
      <p class="head"><b>{message.From_Account}</b> <Clock seconds={message.MsgTime} /> {message.MsgSeq !== undefined && <span>#{message.MsgSeq}</span>}
        {recallable && young && <button type="button" class="quiet" onClick={() => props.act(t.recall, "group_msg_recall", { GroupId: props.group, MsgSeqList: [{ MsgSeq: message.MsgSeq }] })}>{t.recall}</button>}
      </p>
      <p class="text">{recalled ? <em class="dim">{t.recalled}</em> : textOf(message.MsgBody)}</p>
    </article>
  );
}

// toComposer keeps the focus in the column when a button goes with its message.
const toComposer = (e: Event) => (e.currentTarget as Element).closest(".column")?.querySelector("textarea")?.focus();

function OwnMessage(props: Props & { item: Own }) {
  const { item, user } = props;
  const { refused } = item;
  const again = (item.refusedAt ?? item.at) + (refused?.retryAfter ?? 0) * 1000;
  const now = useNow(refused?.retryAfter !== undefined && Date.now() < again + 1000);
  const states = { sending: user.state.status === "connected" ? t.sending : t.waiting, sent: t.sent, dropped: t.dropped(item.dropReason ?? ""), refused: t.refused, unsent: t.unsent[item.unsent?.reason ?? "NotFound"] };
  const target = item.groupId === props.group ? "" : ` ${t.to(item.groupId)}`;
  return (
    <article class={"said own " + item.state}>
      <p class="head"><b>{user.id}</b> <Clock seconds={Math.floor(item.at / 1000)} /> <span>{states[item.state]}{target}</span></p>
      <p class="text">{item.text}</p>
      {refused && (
        <p class="reason">
          <b>{refused.code}</b> {explainCode(refused.code, language)?.what ?? refused.words}
          {refused.retryAfter !== undefined && <span> · {now < again ? t.retryIn(Math.ceil((again - now) / 1000)) : t.retryNow}</span>}
          {refused.eventId && <span> · <a href={`${props.console}apps/${props.app}/events/${refused.eventId}`} target="_blank" rel="noreferrer" title={refused.eventId}>{t.event} {refused.eventId.slice(-6)}</a> {hasArrived(refused.eventId) ? "✓ " + t.inMonitor : "… " + t.notInMonitor}</span>}
        </p>
      )}
      {(item.state === "refused" || item.state === "unsent" || (item.state === "sending" && user.state.status !== "connected")) && (
        <p class="buttons">
          {item.state === "refused" && <button type="button" onClick={(e) => { toComposer(e); user.discard(item.id); user.send(item.groupId, item.text, props.group); }}>{t.sendAgain}</button>}
          {item.state === "unsent" && <button type="button" onClick={(e) => { toComposer(e); user.resend(item.id); }}>{t.sendAgain}</button>}
          <button type="button" onClick={(e) => { toComposer(e); user.discard(item.id); }}>{t.discard}</button>
        </p>
      )}
    </article>
  );
}

// told tells a notice in words; "" for one that is not worth a line.
function told(n: Notice): string {
  const w = t.notices;
  const names = "MemberList" in n ? n.MemberList.map((m) => m.Member_Account).join(", ") : "";
  switch (n.Event) {
    case "MemberJoined": return n.JoinType === "Invited" && names !== n.Operator_Account ? w.invited(names, n.Operator_Account) : w.joined(names);
    case "MemberLeft": return n.ExitType === "Kicked" ? w.kicked(names, n.Operator_Account) : w.left(names);
    case "MemberMuted": return n.MuteUntil === 0 ? w.unmuted(names) : w.muted(names, n.MuteUntil === forever ? w.forGood : w.until(clock(n.MuteUntil * 1000)));
    case "MemberChanged": return n.Role ? w.role(n.Member_Account, t.roles[n.Role] ?? n.Role) : "";
    case "OwnerChanged": return w.owner(n.NewOwner_Account);
    case "GroupChanged": return n.MuteAllMember === "On" ? w.mutedAll : n.MuteAllMember === "Off" ? w.unmutedAll : w.changed;
    case "MsgRecalled": return w.recalled(n.Operator_Account);
    case "GroupDissolved": return w.dissolved(n.Operator_Account);
    case "Application": return w.application(n.Applicant_Account, n.GroupId);
    case "ApplicationHandled": return w.handled(n.HandleMsg === "Agree");
    case "AccountMuted": return n.MuteUntil === 0 ? w.accountUnmuted : w.accountMuted;
    default: return "";
  }
}
