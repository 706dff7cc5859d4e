import { useState } from "preact/hooks";
import { useLoad } from "../../../shared/load";
import { go, withQuery } from "../../../shared/router";
import { command, page } from "../api";
import { Badge, Empty, Panel, Show, Time, View } from "../parts";
import { groupTypes, type GroupInfo } from "../types";
import { number, t } from "../words";

// pageSize is the most groups that one call describes.
const pageSize = 50;

interface List {
  total: number;
  next: number;
  groups: GroupInfo[];
}

export function GroupsView(props: { id: string; query: URLSearchParams }) {
  const type = props.query.get("type") ?? "";
  const from = Number(props.query.get("next") ?? 0);
  const [wanted, setWanted] = useState("");
  const here = (v: { type?: string; next?: number }) => withQuery(page(props.id, "groups"), { type, ...v });
  const list = useLoad(props.query.toString(), async (signal): Promise<List> => {
    const ids = await command<{ TotalCount: number; GroupIdList: { GroupId: string }[] | null; Next: number }>(
      props.id, "group_open_http_svc/get_appid_group_list", { Limit: pageSize, ...(from ? { Next: from } : {}), ...(type ? { GroupType: type } : {}) }, signal);
    const names = (ids.GroupIdList ?? []).map((g) => g.GroupId);
    if (names.length === 0) return { total: ids.TotalCount, next: 0, groups: [] };
    const info = await command<{ GroupInfo: GroupInfo[] }>(props.id, "group_open_http_svc/get_group_info", {
      GroupIdList: names, ResponseFilter: { GroupBaseInfoFilter: ["Type", "Name", "MemberNum", "Owner_Account", "MuteAllMember", "LastMsgTime"], MemberInfoFilter: [] },
    }, signal);
    return { total: ids.TotalCount, next: ids.Next, groups: info.GroupInfo };
  });
  const find = (e: Event) => {
    e.preventDefault();
    go(page(props.id, "groups", wanted.trim()));
  };
  return (
    <View title={t.tabs.groups}>
      <div class="panel filter">
        <form class="line" role="search" onSubmit={find}>
          <label class="grow">{t.groupId}<input type="search" value={wanted} required autocomplete="off" spellcheck={false} onInput={(e) => setWanted(e.currentTarget.value)} /></label>
          <button class="primary">{t.groups.open}</button>
        </form>
        <label>{t.groups.type}
          <select value={type} onChange={(e) => go(here({ type: e.currentTarget.value, next: 0 }))}>
            <option value="">{t.groups.allTypes}</option>
            {groupTypes.map((g) => <option key={g} value={g}>{g}</option>)}
          </select>
        </label>
      </div>
      <Panel title={list.data ? t.groups.count(number(list.data.total)) : t.tabs.groups}>
        <Show of={list}>
          {(l) => l.groups.length === 0 ? <Empty>{type ? t.groups.noneOfType : t.groups.none}</Empty> : (
            <>
              <table class="cards">
                <thead><tr><th>{t.group}</th><th>{t.groups.type}</th><th class="n">{t.groups.members}</th><th>{t.groups.owner}</th><th>{t.groups.lastMessage}</th></tr></thead>
                <tbody>
                  {l.groups.map((g) => (
                    <tr key={g.GroupId}>
                      <th scope="row"><a class="break" href={page(props.id, "groups", g.GroupId)}>{g.Name || g.GroupId}</a><small class="break">{g.GroupId}</small></th>
                      <td data-name={t.groups.type}><span>{g.Type} {g.MuteAllMember === "On" && <Badge kind="warn">{t.groups.mutedAll}</Badge>}</span></td>
                      <td class="n" data-name={t.groups.members}>{number(g.MemberNum ?? 0)}</td>
                      <td class="break" data-name={t.groups.owner}>{g.Owner_Account || <span class="dim">–</span>}</td>
                      <td data-name={t.groups.lastMessage}><Time ms={(g.LastMsgTime ?? 0) * 1000} /></td>
                    </tr>
                  ))}
                </tbody>
              </table>
              <nav class="pages" aria-label={t.pages}>
                {from > 0 && <a class="button" href={here({})}>{t.toFirst}</a>}
                {l.next > 0 && <a class="button" href={here({ next: l.next })}>{t.more}</a>}
              </nav>
            </>
          )}
        </Show>
      </Panel>
    </View>
  );
}
