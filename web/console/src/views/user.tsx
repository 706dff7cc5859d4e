import { useState } from "preact/hooks";
import { useLoad } from "../../../shared/load";
import { withQuery } from "../../../shared/router";
import { duration } from "../../../shared/time";
import { app, command, get, page } from "../api";
import { Mute } from "../mute";
import { Badge, Empty, Fault, Outcome, Panel, Show, Time, useAction, View } from "../parts";
import { forever, type Explanation, type JoinedGroup } from "../types";
import { number, t } from "../words";

export function UserView(props: { id: string; user: string }) {
  const { id, user } = props;
  return (
    <View title={t.userNamed(user)} actions={<a class="button" href={withQuery(page(id, "events"), { from: user })}>{t.users.exceptions}</a>}>
      <Explain id={id} user={user} />
      <AccountMute id={id} user={user} />
      <Joined id={id} user={user} />
    </View>
  );
}

const outcomeKinds = { accepted: "good", refused: "bad", dropped: "bad", unknown: "plain" } as const;

// Explain tells what became of the user's sends, accepted ones too.
function Explain(props: { id: string; user: string }) {
  const [group, setGroup] = useState("");
  const [random, setRandom] = useState("");
  const [hours, setHours] = useState(2);
  const [list, setList] = useState<Explanation[]>();
  const act = useAction();
  const submit = (e: Event) => {
    e.preventDefault();
    void act.run(async () => {
      setList(undefined);
      const since = Date.now() - hours * 3600e3;
      const answer = await get<{ Explanations: Explanation[] | null }>(withQuery(app(props.id, "/v1/explain"), { group, from: props.user, random, since }));
      setList(answer.Explanations ?? []);
    });
  };
  return (
    <Panel title={t.users.explain} note={t.users.explainNote}>
      <form class="line" onSubmit={submit}>
        <label class="grow">{t.groupId} {t.optional}<input name="group" value={group} autocomplete="off" spellcheck={false} onInput={(e) => setGroup(e.currentTarget.value.trim())} /></label>
        <label>Random {t.optional}<input name="random" value={random} inputMode="numeric" pattern="[0-9]*" autocomplete="off" onInput={(e) => setRandom(e.currentTarget.value.trim())} /></label>
        <label>{t.events.period}
          <select value={String(hours)} onChange={(e) => setHours(Number(e.currentTarget.value))}>
            <option value="2">{t.users.hours2}</option><option value="24">{t.events.lastDay}</option><option value="168">{t.events.lastWeek}</option>
          </select>
        </label>
        <button class="primary" disabled={act.busy}>{t.users.ask}</button>
      </form>
      <Fault error={act.error} />
      <div role="status">
        {list?.length === 0 && <Empty>{t.users.nothing}</Empty>}
        {list && list.length > 0 && (
          <ul class="plain rows">
            {list.map((x, i) => (
              <li key={i}>
                <span>
                  <Badge kind={outcomeKinds[x.Outcome] ?? "plain"}>{t.outcomes[x.Outcome] ?? x.Outcome}</Badge>{" "}
                  {x.Message && <><Time ms={x.Message.MsgTime * 1000} /> MsgSeq {x.Message.MsgSeq} {x.Message.Recalled && t.groups.recalled} {x.Message.Rewritten && t.compared.rewritten}</>}
                  {x.Exception && <Time ms={x.Exception.EventTime} />}
                  <small class="break">{x.Text}</small>
                </span>
                {x.Exception && <a class="button" href={page(props.id, "events", x.Exception.EventId)}>{t.users.why}</a>}
              </li>
            ))}
          </ul>
        )}
      </div>
    </Panel>
  );
}

function AccountMute(props: { id: string; user: string }) {
  const { id, user } = props;
  const mute = useLoad("mute", (s) => command<{ GroupmsgNospeakingTime: number }>(id, "openconfigsvr/getnospeaking", { Get_Account: user }, s));
  const act = useAction();
  const set = async (seconds: number) => {
    await command(id, "openconfigsvr/setnospeaking", { Set_Account: user, GroupmsgNospeakingTime: seconds });
    mute.reload();
  };
  return (
    <Panel title={t.users.accountMute} note={t.users.accountMuteNote}>
      <Outcome of={act} />
      <Show of={mute}>
        {(m) => m.GroupmsgNospeakingTime > 0 ? (
          <div class="line">
            <Badge kind="warn">{m.GroupmsgNospeakingTime === forever ? t.users.mutedForever : t.users.mutedFor(duration(m.GroupmsgNospeakingTime))}</Badge>
            <button type="button" disabled={act.busy} onClick={() => act.run(async () => { await set(0); return t.groups.unmuted(user); })}>{t.unmute}</button>
          </div>
        ) : (
          <div class="line"><span>{t.users.notMuted}</span><Mute label={t.users.muteEverywhere} title={t.users.muteTitle(user)} action={set} /></div>
        )}
      </Show>
    </Panel>
  );
}

function Joined(props: { id: string; user: string }) {
  const { id, user } = props;
  const [offset, setOffset] = useState(0);
  const size = 100;
  const list = useLoad("joined " + offset, (s) => command<{ TotalCount: number; GroupIdList: JoinedGroup[] | null }>(id, "group_open_http_svc/get_joined_group_list", {
    Member_Account: user, Limit: size, Offset: offset, WithHugeGroups: 1, WithNoActiveGroups: 1,
    ResponseFilter: { GroupBaseInfoFilter: ["Type", "Name"], SelfInfoFilter: ["Role", "JoinTime"] },
  }, s));
  return (
    <Panel title={list.data ? t.users.groups(number(list.data.TotalCount)) : t.tabs.groups}>
      <Show of={list}>
        {({ GroupIdList, TotalCount }) => !GroupIdList?.length ? <Empty>{t.users.noGroups}</Empty> : (
          <>
            <table class="cards">
              <thead><tr><th>{t.group}</th><th>{t.groups.type}</th><th>{t.groups.role}</th><th>{t.groups.joined}</th></tr></thead>
              <tbody>
                {GroupIdList.map((g) => (
                  <tr key={g.GroupId}>
                    <th scope="row"><a class="break" href={page(id, "groups", g.GroupId)}>{g.Name || g.GroupId}</a><small class="break">{g.GroupId}</small></th>
                    <td data-name={t.groups.type}>{g.Type}</td>
                    <td data-name={t.groups.role}>{g.SelfInfo?.Role}</td>
                    <td data-name={t.groups.joined}><Time ms={(g.SelfInfo?.JoinTime ?? 0) * 1000} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
            <nav class="pages" aria-label={t.pages}>
              {offset > 0 && <button type="button" onClick={() => setOffset(offset - size)}>{t.back}</button>}
              {offset + GroupIdList.length < TotalCount && <button type="button" onClick={() => setOffset(offset + size)}>{t.more}</button>}
            </nav>
          </>
        )}
      </Show>
    </Panel>
  );
}
