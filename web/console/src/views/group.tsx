import { useState } from "preact/hooks";
import { ApiError } from "../../../shared/client";
import { useLoad } from "../../../shared/load";
import { withQuery } from "../../../shared/router";
import { command, page } from "../api";
import { Mute } from "../mute";
import { Badge, Confirm, Empty, Fact, Facts, Outcome, Panel, Show, Time, useAction, View } from "../parts";
import { forever, type GroupInfo, type Member, type StoredMessage } from "../types";
import { number, t } from "../words";

const svc = "group_open_http_svc/";
const pageSize = 100;

export function GroupView(props: { id: string; group: string }) {
  const { id, group } = props;
  const info = useLoad("info " + group, async (s) => {
    const answer = await command<{ GroupInfo: GroupInfo[] }>(id, svc + "get_group_info", { GroupIdList: [group], ResponseFilter: { MemberInfoFilter: [] } }, s);
    return answer.GroupInfo[0];
  });
  return (
    <View title={t.groupNamed(info.data?.Name || group)} actions={<a class="button" href={withQuery(page(id, "events"), { group })}>{t.groups.exceptions}</a>}>
      <Show of={info}>
        {(g) => !g || g.ErrorCode ? (
          <Panel><Empty>{t.groups.missing(g?.ErrorCode ?? 0, g?.ErrorInfo ?? "")} <a href={page(id, "groups")}>{t.groups.toList}</a></Empty></Panel>
        ) : (
          <>
            <Profile id={id} of={g} reload={info.reload} />
            <Members id={id} of={g} />
            <History id={id} group={group} />
          </>
        )}
      </Show>
    </View>
  );
}

function Profile(props: { id: string; of: GroupInfo; reload: () => void }) {
  const g = props.of;
  const muted = g.MuteAllMember === "On";
  const muteAll = async () => {
    await command(props.id, svc + "modify_group_base_info", { GroupId: g.GroupId, MuteAllMember: muted ? "Off" : "On" });
    props.reload();
  };
  return (
    <Panel title={t.groups.profile} actions={<Confirm label={muted ? t.groups.unmuteAll : t.groups.muteAll} title={muted ? t.groups.unmuteAll : t.groups.muteAll} text={muted ? t.groups.unmuteAllText : t.groups.muteAllText} danger={!muted} action={muteAll} />}>
      {muted && <p><Badge kind="warn">{t.groups.mutedAll}</Badge> {t.groups.mutedAllNote}</p>}
      <Facts>
        <Fact name={t.groupId}><code class="break">{g.GroupId}</code></Fact>
        <Fact name={t.groups.type}>{g.Type}</Fact>
        <Fact name={t.groups.owner}>{g.Owner_Account ? <a class="break" href={page(props.id, "users", g.Owner_Account)}>{g.Owner_Account}</a> : "–"}</Fact>
        <Fact name={t.groups.members}>{number(g.MemberNum)} / {number(g.MaxMemberNum)}</Fact>
        <Fact name={t.groups.created}><Time ms={g.CreateTime * 1000} /></Fact>
        <Fact name={t.groups.lastMessage}><Time ms={g.LastMsgTime * 1000} ago /></Fact>
        <Fact name={t.groups.joining}>{g.ApplyJoinOption}</Fact>
        {g.Introduction && <Fact name={t.groups.introduction}><span class="break">{g.Introduction}</span></Fact>}
        {g.Notification && <Fact name={t.groups.notification}><span class="break">{g.Notification}</span></Fact>}
      </Facts>
    </Panel>
  );
}

interface MemberPage {
  MemberNum: number;
  MemberList: Member[] | null;
  Next?: string;
}

function Members(props: { id: string; of: GroupInfo }) {
  const { id, of: g } = props;
  // The pages before this one, each by where it begins: an Offset, or the Next
  // that an answer gave.
  const [starts, setStarts] = useState<(string | number)[]>([]);
  const [role, setRole] = useState("");
  const start = starts.at(-1);
  const list = useLoad(`members ${start} ${role}`, (s) =>
    command<MemberPage>(id, svc + "get_group_member_info", {
      GroupId: g.GroupId, Limit: pageSize, ...(typeof start === "string" ? { Next: start } : { Offset: start ?? 0 }), ...(role ? { MemberRoleFilter: [role] } : {}),
    }, s));
  const muted = useLoad("muted", (s) => command<{ MutedAccountList: { Member_Account: string; MutedUntil: number }[] | null }>(id, svc + "get_group_muted_account", { GroupId: g.GroupId }, s));
  const act = useAction();
  const changed = () => { list.reload(); muted.reload(); };
  const mute = (account: string) => async (seconds: number) => {
    await command(id, svc + "forbid_send_msg", { GroupId: g.GroupId, Members_Account: [account], MuteTime: seconds });
    changed();
  };
  const unmute = (account: string) => act.run(async () => { await mute(account)(0); return t.groups.unmuted(account); });
  const count = list.data?.MemberList?.length ?? 0;
  const next = list.data?.Next || (count === pageSize ? Number(start ?? 0) + count : undefined);
  return (
    <>
      <Panel title={t.groups.mutedNow}>
        <Outcome of={act} />
        <Show of={muted}>
          {({ MutedAccountList }) => !MutedAccountList?.length ? <Empty>{t.groups.nobodyMuted}</Empty> : (
            <ul class="plain rows">
              {MutedAccountList.map((m) => (
                <li key={m.Member_Account}>
                  <span><a class="break" href={page(id, "users", m.Member_Account)}>{m.Member_Account}</a> <small>{t.groups.until} <Until seconds={m.MutedUntil} /></small></span>
                  <button type="button" disabled={act.busy} onClick={() => unmute(m.Member_Account)}>{t.unmute}</button>
                </li>
              ))}
            </ul>
          )}
        </Show>
      </Panel>
      <Panel title={t.groups.members} actions={
        <label class="inline">{t.groups.role}
          <select value={role} onChange={(e) => { setRole(e.currentTarget.value); setStarts([]); }}>
            <option value="">{t.events.any}</option><option>Owner</option><option>Admin</option><option>Member</option>
          </select>
        </label>
      }>
        <Show of={list}>
          {(p) => !p.MemberList?.length ? <Empty>{t.groups.noMembers}</Empty> : (
            <table class="cards">
              <thead><tr><th>{t.user}</th><th>{t.groups.role}</th><th>{t.groups.joined}</th><th>{t.groups.lastMessage}</th><th>{t.groups.mutedUntil}</th><th><span class="hidden">{t.actions}</span></th></tr></thead>
              <tbody>
                {p.MemberList.map((m) => {
                  const isMuted = m.MuteUntil * 1000 > Date.now();
                  return (
                    <tr key={m.Member_Account}>
                      <th scope="row"><a class="break" href={page(id, "users", m.Member_Account)}>{m.Member_Account}</a>{m.NameCard && <small class="break">{m.NameCard}</small>}</th>
                      <td data-name={t.groups.role}>{m.Role}</td>
                      <td data-name={t.groups.joined}><Time ms={m.JoinTime * 1000} /></td>
                      <td data-name={t.groups.lastMessage}><Time ms={m.LastSendMsgTime * 1000} /></td>
                      <td data-name={t.groups.mutedUntil}>{isMuted ? <Badge kind="warn"><Until seconds={m.MuteUntil} /></Badge> : <span class="dim">{t.no}</span>}</td>
                      <td>{isMuted ? <button type="button" disabled={act.busy} onClick={() => unmute(m.Member_Account)}>{t.unmute}</button> : <Mute title={t.groups.muteTitle(m.Member_Account)} action={mute(m.Member_Account)} />}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          )}
        </Show>
        <nav class="pages" aria-label={t.pages}>
          {starts.length > 0 && <button type="button" onClick={() => setStarts(starts.slice(0, -1))}>{t.back}</button>}
          {next !== undefined && <button type="button" onClick={() => setStarts([...starts, next])}>{t.more}</button>}
        </nav>
      </Panel>
    </>
  );
}

// Until is the end of a mute, in Unix seconds.
export function Until(props: { seconds: number }) {
  return props.seconds === forever ? <>{t.forever}</> : <Time ms={props.seconds * 1000} />;
}

function History(props: { id: string; group: string }) {
  const [before, setBefore] = useState(0);
  const list = useLoad("history " + before, (s) =>
    command<{ RspMsgList: StoredMessage[] | null; IsFinished: number }>(props.id, svc + "group_msg_get_simple", {
      GroupId: props.group, ReqMsgNumber: 20, WithRecalledMsg: 1, ...(before ? { ReqMsgSeq: before } : {}),
    }, s));
  // Groups of some types keep no messages: that is no fault.
  const none = list.error instanceof ApiError && list.error.code === 10044;
  const oldest = list.data?.RspMsgList?.at(-1)?.MsgSeq ?? 0;
  return (
    <Panel title={t.groups.history} note={t.groups.historyNote}>
      {none ? <Empty>{t.groups.noHistory}</Empty> : <Show of={list}>
        {({ RspMsgList }) => !RspMsgList?.length ? <Empty>{t.groups.noHistory}</Empty> : (
          <table class="cards">
            <thead><tr><th class="n">MsgSeq</th><th>{t.time}</th><th>{t.user}</th><th>{t.groups.message}</th></tr></thead>
            <tbody>
              {RspMsgList.map((m) => (
                <tr key={m.MsgSeq}>
                  <td class="n" data-name="MsgSeq">{m.MsgSeq}</td>
                  <td data-name={t.time}><Time ms={m.MsgTimeStamp * 1000} /></td>
                  <td class="break" data-name={t.user}>{m.From_Account}</td>
                  <td class="break" data-name={t.groups.message}>{m.IsPlaceMsg === 2 ? <span class="dim">{t.groups.recalled}</span> : m.IsPlaceMsg === 1 ? <span class="dim">{t.groups.deleted}</span> : said(m.MsgBody)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Show>}
      <nav class="pages" aria-label={t.pages}>
        {before > 0 && <button type="button" onClick={() => setBefore(0)}>{t.toNewest}</button>}
        {oldest > 1 && <button type="button" onClick={() => setBefore(oldest - 1)}>{t.older}</button>}
      </nav>
    </Panel>
  );
}

// said is a message in a line: its text, and the types of what is no text.
function said(body: unknown): string {
  if (!Array.isArray(body)) return JSON.stringify(body);
  return (body as { MsgType?: string; MsgContent?: { Text?: unknown } }[])
    .map((e) => (typeof e?.MsgContent?.Text === "string" ? e.MsgContent.Text : `[${e?.MsgType ?? "?"}]`))
    .join(" ");
}
