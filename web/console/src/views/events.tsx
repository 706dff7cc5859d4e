import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../../../shared/client";
import { refusalCodes } from "../../../shared/codes";
import { useLoad } from "../../../shared/load";
import { go, withQuery } from "../../../shared/router";
import { forInput, fromInput } from "../../../shared/time";
import { app, get, page } from "../api";
import { Badge, CodeWords, Empty, Fault, Panel, Show, Time, View } from "../parts";
import { callbackCommands, exceptionCommand, type Endpoint, type Event, type EventsPage } from "../types";
import { actionOf, number, t } from "../words";

const limit = 50;
const spans: Record<string, number> = { "1h": 3600e3, "24h": 86400e3, "7d": 7 * 86400e3 };
const states = ["waiting", "dead", "delivered"] as const;

// The filters, by their names in the address. `last` is one of spans and counts
// from now; since and until are Unix milliseconds.
interface Filters {
  from: string; group: string; code: string; command: string; endpoint: string; state: string; last: string; since: string; until: string;
}

function read(query: URLSearchParams): Filters {
  const of = (name: string) => query.get(name) ?? "";
  return {
    from: of("from"), group: of("group"), code: of("code"), command: query.has("command") ? of("command") : exceptionCommand,
    endpoint: of("endpoint"), state: of("state"), last: of("last"), since: of("since"), until: of("until"),
  };
}

// asked are the filters as the API takes them.
function asked(f: Filters): Record<string, string | number> {
  const since = f.last in spans ? Date.now() - spans[f.last]! : f.since;
  return {
    from: f.from, group: f.group, code: f.code, command: f.command === "all" ? "" : f.command, endpoint: f.endpoint,
    state: f.endpoint ? f.state : "", since, until: f.last ? "" : f.until, nobody: 1,
  };
}

export function EventsView(props: { id: string; query: URLSearchParams }) {
  const filters = read(props.query);
  const before = props.query.get("before") ?? "";
  const here = (f: Partial<Filters> & { before?: string | number }) => {
    const all: Record<string, string | number | undefined> = { ...filters, ...f };
    if (all.command === exceptionCommand) all.command = "";
    return withQuery(page(props.id, "events"), all);
  };
  const list = useLoad(props.query.toString(), (s) => pageOf(props.id, filters, before, s));
  const live = before === "" && !filters.until;
  const failed = useNews(props.id, live ? list.data : undefined, filters, list.reload);
  const subject = filters.from || filters.group;

  return (
    <View title={filters.command === exceptionCommand ? t.events.exceptions : t.events.title} lead={filters.command === exceptionCommand ? t.events.lead : t.events.allLead}>
      <Filter key={props.query.toString()} id={props.id} filters={filters} apply={(f) => go(here(f))} />
      <Panel
        title={subject ? t.events.of(subject) : live ? t.events.newest : t.events.older}
        actions={<>{live && <span class={"live" + (failed ? " off" : "")} role="status">{failed ? t.events.liveFailed : t.events.live}</span>}{filters.from && <a href={page(props.id, "users", filters.from)}>{t.events.userPage}</a>}{filters.group && <a href={page(props.id, "groups", filters.group)}>{t.events.groupPage}</a>}</>}
      >
        <Show of={list}>
          {(p) => (
            <>
              {p.Events.length === 0 ? <Nothing id={props.id} filters={filters} more={p.More} /> : <EventTable id={props.id} events={p.Events} />}
              <nav class="pages" aria-label={t.pages}>
                {before && <a class="button" href={here({})}>{t.toNewest}</a>}
                {p.More && p.Next > 0 && <a class="button" href={here({ before: p.Next })}>{t.older}</a>}
              </nav>
            </>
          )}
        </Show>
      </Panel>
    </View>
  );
}

// pageOf gathers a page. Where few events fit, the server looks at a stretch of
// the journal at a time, so it is asked on until the page is full, within reason.
async function pageOf(id: string, filters: Filters, before: string, signal: AbortSignal): Promise<EventsPage> {
  const wanted = asked(filters);
  const ask = (from: Record<string, string | number>, n: number) => get<EventsPage>(withQuery(app(id, "/v1/events"), { ...wanted, ...from, limit: n }), signal);
  const first = await ask(before ? { before } : { newest: 1 }, limit);
  const all = { ...first, Events: [...first.Events] };
  const enough = Date.now() + 3000;
  while (all.More && all.Next > 0 && all.Events.length < limit && Date.now() < enough) {
    const more = await ask({ before: all.Next }, limit - all.Events.length);
    if (more.Next >= all.Next) break;
    all.Events.push(...more.Events);
    all.Next = more.Next;
    all.More = more.More;
  }
  return all;
}

function Nothing(props: { id: string; filters: Filters; more: boolean }) {
  const { filters } = props;
  if (props.more) return <Empty>{t.events.noneHere}</Empty>;
  if (filters.from) {
    return (
      <Empty>
        {t.events.noneOfUser(filters.from)} <a href={page(props.id, "users", filters.from)}>{t.events.seeUser}</a>
        {" · "}<a href={withQuery(page(props.id, "events"), { group: filters.from })}>{t.events.asGroup}</a>
      </Empty>
    );
  }
  return <Empty>{t.events.none}</Empty>;
}

// useNews waits at the server for events that fit, and tells when there are
// some. It says whether waiting fails.
function useNews(id: string, shown: EventsPage | undefined, filters: Filters, tell: () => void): boolean {
  const [failed, setFailed] = useState(false);
  const latest = useRef(tell);
  latest.current = tell;
  const head = shown?.Head;
  useEffect(() => {
    if (head === undefined) return;
    const stop = new AbortController();
    void (async () => {
      for (let after = head; !stop.signal.aborted; ) {
        const began = Date.now();
        try {
          // after=0 is left out of an address as empty, and means the same.
          const p = await get<EventsPage>(withQuery(app(id, "/v1/events"), { ...asked(filters), after, epoch: shown!.Epoch, wait: 25, limit: 1, nobody: 1 }), stop.signal);
          setFailed(false);
          if (p.Events.length > 0) {
            await until(began + 1000, stop.signal); // a flood is shown once a second
            if (!stop.signal.aborted) latest.current();
            return;
          }
          after = Math.max(after, p.Next);
          await until(began + 1000, stop.signal);
        } catch (e) {
          if (stop.signal.aborted) return;
          if (e instanceof ApiError && e.status === 409) { // another journal: begin anew
            latest.current();
            return;
          }
          setFailed(true);
          await until(Date.now() + 5000, stop.signal);
        }
      }
    })();
    return () => stop.abort();
  }, [id, shown]);
  return failed;
}

// until resolves at a time, or when stopped.
function until(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(0, ms - Date.now()));
    stop.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

function Filter(props: { id: string; filters: Filters; apply: (f: Filters) => void }) {
  const [f, set] = useState(props.filters);
  const custom = f.last === "" && (f.since !== "" || f.until !== "");
  const [period, setPeriod] = useState(custom ? "custom" : f.last);
  const endpoints = useLoad("endpoints", (s) => get<{ Endpoints: Endpoint[] | null }>(app(props.id, "/v1/endpoints"), s));
  const put = (name: keyof Filters) => (e: { currentTarget: { value: string } }) => set({ ...f, [name]: e.currentTarget.value });
  const submit = (e: SubmitEvent) => {
    e.preventDefault();
    const own = period === "custom";
    props.apply({ ...f, from: f.from.trim(), group: f.group.trim(), last: own ? "" : period, since: own ? f.since : "", until: own ? f.until : "", state: f.endpoint ? f.state : "" });
  };
  return (
    <form class="panel filter" onSubmit={submit} aria-label={t.events.filter}>
      <label>{t.user}<input name="from" type="search" value={f.from} autocomplete="off" autocapitalize="off" spellcheck={false} onInput={put("from")} /></label>
      <label>{t.group}<input name="group" type="search" value={f.group} autocomplete="off" autocapitalize="off" spellcheck={false} onInput={put("group")} /></label>
      <label>{t.events.code}<input name="code" list="codes" value={f.code} inputMode="numeric" pattern="[0-9]*" autocomplete="off" onInput={put("code")} />
        <datalist id="codes">{refusalCodes.map((c) => <option key={c} value={String(c)}><CodeWords code={c} /></option>)}</datalist>
      </label>
      <label>{t.events.kind}
        <select name="command" value={f.command} onChange={put("command")}>
          <option value={exceptionCommand}>{t.events.exceptions}</option>
          {callbackCommands.slice(2).map((c) => <option key={c} value={c}>{c}</option>)}
          <option value="all">{t.events.allKinds}</option>
        </select>
      </label>
      <label>{t.events.period}
        <select name="period" value={period} onChange={(e) => setPeriod(e.currentTarget.value)}>
          <option value="">{t.events.anyTime}</option>
          <option value="1h">{t.events.lastHour}</option>
          <option value="24h">{t.events.lastDay}</option>
          <option value="7d">{t.events.lastWeek}</option>
          <option value="custom">{t.events.between}</option>
        </select>
      </label>
      {period === "custom" && (
        <>
          <label class="wide">{t.events.since}<input name="since" type="datetime-local" value={forInput(Number(f.since))} onChange={(e) => set({ ...f, since: String(fromInput(e.currentTarget.value) || "") })} /></label>
          <label class="wide">{t.events.until}<input name="until" type="datetime-local" value={forInput(Number(f.until))} onChange={(e) => set({ ...f, until: String(fromInput(e.currentTarget.value) || "") })} /></label>
        </>
      )}
      <label>{t.endpoint}
        <select name="endpoint" value={f.endpoint} onChange={put("endpoint")}>
          <option value="">{t.events.any}</option>
          {f.endpoint && !endpoints.data?.Endpoints?.some((e) => e.Id === f.endpoint) && <option value={f.endpoint}>{f.endpoint}</option>}
          {endpoints.data?.Endpoints?.map((e) => <option key={e.Id} value={e.Id}>{e.Id}</option>)}
        </select>
      </label>
      {f.endpoint && (
        <label>{t.events.state}
          <select name="state" value={f.state} onChange={put("state")}>
            <option value="">{t.events.any}</option>
            {states.map((s) => <option key={s} value={s}>{t.states[s]}</option>)}
          </select>
        </label>
      )}
      <div class="buttons"><button class="primary">{t.events.show}</button><a class="button" href={page(props.id, "events")}>{t.events.clear}</a></div>
      <Fault error={endpoints.error} />
    </form>
  );
}

export function EventTable(props: { id: string; events: Event[] }) {
  return (
    <table class="cards events">
      <thead><tr><th>{t.time}</th><th>{t.reason}</th><th>{t.user}</th><th>{t.group}</th><th class="n">{t.events.sequence}</th></tr></thead>
      <tbody>
        {props.events.map((e) => (
          <tr key={e.Sequence}>
            <td data-name={t.time}><Time ms={e.EventTime} /></td>
            <th scope="row" data-name={t.reason}>
              <a href={page(props.id, "events", e.EventId || e.Sequence)}>
                {e.ErrorCode ? <><CodeWords code={e.ErrorCode} /> <span class="code-number">{e.ErrorCode}</span></> : actionOf(e) ?? e.Command.replace("Group.Callback", "")}
              </a>
              {e.Action && <> <small>{e.Action} {e.Reason}</small></>}
              {e.Count > 1 && <> <Badge kind="plain">{t.events.times(number(e.Count))}</Badge></>}
            </th>
            <td class="break" data-name={t.user}>{e.From_Account || <span class="dim">–</span>}</td>
            <td class="break" data-name={t.group}>{e.GroupId || <span class="dim">–</span>}</td>
            <td class="n dim" data-name={t.events.sequence}>{e.Sequence}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
