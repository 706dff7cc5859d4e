import { useEffect, useRef, useState } from "preact/hooks";
import type { State } from "../../client/src/index.ts";
import { explainCode, general } from "../../shared/codes";
import type { Hello } from "./api";
import { Composer } from "./composer";
import { useWatched } from "./hooks";
import { Manage } from "./manage";
import { Messages } from "./messages";
import { sit, type Seat, type Side } from "./place";
import { User, type Trouble } from "./user";
import { language, t } from "./words";

interface Props {
  hello: Hello;
  side: Side;
  seat: Seat;
  groups: Hello["Groups"];
  onMade: (group: Hello["Groups"][number]) => void;
}

/** Act runs a command under its name, and shows in the column why it failed. */
export type Act = <T extends object>(name: string, method: string, body: object) => Promise<T | undefined>;

// Column is one user's chat.
export function Column(props: Props) {
  const { hello, side, seat } = props;
  const [user, setUser] = useState<User>();
  useEffect(() => {
    const made = new User(hello, seat.user, side);
    setUser(made);
    return () => made.end();
  }, []);
  return user ? <Seated {...props} user={user} /> : null;
}

function Seated(props: Props & { user: User }) {
  const { hello, side, seat, user, groups } = props;
  useWatched((draw) => user.watch(draw), user);
  const [trouble, setTrouble] = useState<{ name: string } & Trouble>();
  const profile = user.group(seat.group);
  const online = user.state.status === "connected";

  useEffect(() => {
    if (online && profile) void user.open(seat.group);
  }, [online, profile !== undefined, seat.group]);
  useEffect(() => setTrouble(undefined), [seat.group]);

  const act: Act = async <T extends object>(name: string, method: string, body: object) => {
    const { answer, trouble: why } = await user.call<T>(method, body);
    setTrouble(why && { name, ...why });
    return answer;
  };

  const joined = user.groups();
  const shown = [
    ...joined.map((g) => ({ GroupId: g.GroupId, Type: g.Type as string, Name: g.Name, unread: g.GroupId === seat.group ? 0 : (g.SelfInfo?.UnreadMsgNum ?? 0), in: true })),
    ...groups.filter((g) => !joined.some((j) => j.GroupId === g.GroupId) && (g.GroupId === seat.group || !user.dissolved(g.GroupId))).map((g) => ({ ...g, unread: 0, in: false })),
  ].sort((a, b) => order(groups, a.GroupId) - order(groups, b.GroupId));
  const name = shown.find((g) => g.GroupId === seat.group)?.Name ?? seat.group;
  const people = hello.Users.some((u) => u.UserID === seat.user) ? hello.Users : [...hello.Users, { UserID: seat.user, Nick: seat.user }];
  const choose = (value: string) => sit(side, { user: value === "" ? newName() : value });

  return (
    <section class={"panel column " + side} aria-label={`${t[side]}: ${seat.user}`}>
      <div class="who">
        <select aria-label={`${t.user} (${t[side]})`} value={seat.user} onChange={(e) => choose(e.currentTarget.value)}>
          {people.map((u) => <option key={u.UserID} value={u.UserID}>{u.UserID}</option>)}
          <option value="">{t.somebodyNew}</option>
        </select>
        <Connection state={user.state} />
      </div>
      <nav class="groups" aria-label={t.groups}>
        {shown.map((g) => (
          <button key={g.GroupId} type="button" class={g.in ? "" : "out"} aria-current={g.GroupId === seat.group ? "true" : undefined} title={g.GroupId} onClick={() => sit(side, { group: g.GroupId })}>
            {g.Name || g.GroupId} <small>{t.types[g.Type] ?? g.Type}</small> {g.unread > 0 && <span class="count" aria-label={t.unread(g.unread)}>{g.unread}</span>}
          </button>
        ))}
        <NewGroup act={act} onMade={(g) => { props.onMade(g); sit(side, { group: g.GroupId }); }} />
      </nav>
      {trouble && <p class="banner" role="alert"><span>{inWords(trouble)}</span> <button type="button" onClick={() => setTrouble(undefined)}>{t.close}</button></p>}
      <Messages key={seat.group} user={user} group={seat.group} name={name} profile={profile} console={hello.Console} app={hello.SDKAppID} act={act} />
      {profile ? (
        <>
          <Composer key={"c" + seat.group} user={user} profile={profile} hello={hello} />
          <Manage key={"m" + seat.group} user={user} profile={profile} act={act} mine={!hello.Groups.some((g) => g.GroupId === seat.group)} />
        </>
      ) : user.dissolved(seat.group) ? <p class="outside" role="status">{t.wasDissolved(name)}</p> : online && <Outside group={seat.group} name={name} act={act} />}
    </section>
  );
}

const order = (groups: Hello["Groups"], id: string) => {
  const i = groups.findIndex((g) => g.GroupId === id);
  return i < 0 ? groups.length : i;
};

const newName = () => "guest" + Math.random().toString(36).slice(2, 6).replace(/[^a-z0-9]/g, "");

function Connection(props: { state: State }) {
  const { status, words } = props.state;
  return (
    <span class={"live" + (status === "connected" ? "" : " off")} role="status">
      {t.states[status]}{(status === "stopped" || status === "renew") && words ? " " + t.why(words) : ""}
    </span>
  );
}

function inWords(trouble: { name: string } & Trouble): string {
  if (trouble.code === 0) return t.noAnswer(trouble.name);
  const words = general(trouble.code) ? explainCode(trouble.code, language)?.what : undefined;
  return t.fault(trouble.name, trouble.code, words ?? trouble.info);
}

const nameMost = 30; // bytes that the server takes

function NewGroup(props: { act: Act; onMade: (g: Hello["Groups"][number]) => void }) {
  const [open, setOpen] = useState(false);
  const [name, setName] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), [open]);
  const make = async (e: Event) => {
    e.preventDefault();
    const made = await props.act<{ GroupId: string; Type: string }>(t.newGroup, "create_group", { Type: "Public", Name: name.trim(), ApplyJoinOption: "FreeAccess" });
    if (!made) return;
    setOpen(false);
    setName("");
    props.onMade({ GroupId: made.GroupId, Type: made.Type ?? "Public", Name: name.trim() });
  };
  if (!open) return <button type="button" class="add" onClick={() => setOpen(true)}>+ {t.newGroup}</button>;
  return (
    <form class="new-group" onSubmit={make}>
      <input aria-label={t.groupName} placeholder={t.groupName} value={name} maxLength={nameMost} required autocomplete="off" ref={field} onInput={(e) => { const { value } = e.currentTarget; e.currentTarget.setCustomValidity(new TextEncoder().encode(value.trim()).length > nameMost ? t.nameTooLong : ""); setName(value); }} />
      <button class="primary">{t.create}</button>
      <button type="button" onClick={() => setOpen(false)}>{t.cancel}</button>
    </form>
  );
}

function Outside(props: { group: string; name: string; act: Act }) {
  const [waits, setWaits] = useState(false);
  const join = async () => {
    const answer = await props.act<{ JoinedStatus: string }>(t.join, "apply_join_group", { GroupId: props.group });
    setWaits(answer?.JoinedStatus === "WaitAdminApproval");
  };
  return (
    <div class="outside">
      <span>{waits ? t.waits : t.notIn(props.name)}</span> <button type="button" class="primary" disabled={waits} onClick={join}>{t.join}</button>
    </div>
  );
}
