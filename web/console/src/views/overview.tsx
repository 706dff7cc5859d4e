import { useEffect, useState } from "preact/hooks";
import { useLoad } from "../../../shared/load";
import { go } from "../../../shared/router";
import { app, call, get, page } from "../api";
import type { Apps } from "../console";
import { EndpointState, Trouble } from "./endpoints";
import { EventTable } from "./events";
import { Dialog, Empty, Fault, Panel, Secret, Show, useAction, View } from "../parts";
import { exceptionCommand, type App, type AppKey, type Endpoint, type EventsPage } from "../types";
import { number, t } from "../words";
import { withQuery } from "../../../shared/router";

// maxAsked bounds how many apps the overview asks for their endpoints at once.
const maxAsked = 50;

export function OverviewView(props: { apps: Apps }) {
  return (
    <View title={t.overview} actions={<AddApp done={props.apps.reload} />}>
      <Show of={props.apps}>
        {({ Apps }) => (Apps && Apps.length > 0 ? <Overview apps={Apps} /> : <Panel><Empty>{t.noApp}</Empty></Panel>)}
      </Show>
    </View>
  );
}

function Overview(props: { apps: App[] }) {
  const apps = [...props.apps].sort((a, b) => b.Waiting - a.Waiting || a.SDKAppID - b.SDKAppID);
  const sum = (name: "Attempts" | "Accepted" | "Refused" | "Waiting") => apps.reduce((n, a) => n + a[name], 0);
  const waiting = sum("Waiting");
  const [wanted, choose] = useState("");
  // An app that was just removed is chosen no more.
  const chosen = apps.some((a) => String(a.SDKAppID) === wanted) ? wanted : String(apps[0]?.SDKAppID);
  return (
    <>
      <Search apps={apps} chosen={chosen} choose={choose} />
      <section class="tiles" aria-label={t.allApps}>
        <Tile value={sum("Attempts")} label={t.sends} />
        <Tile value={sum("Accepted")} label={t.accepted} />
        <Tile value={sum("Refused")} label={t.refused} />
        <Tile value={waiting} label={t.callbacksWaiting} warn={waiting > 0} />
      </section>
      <Attention apps={apps} />
      <Panel title={t.apps}>
        <table class="cards">
          <thead><tr><th>{t.app}</th><th class="n">{t.sends}</th><th class="n">{t.accepted}</th><th class="n">{t.refused}</th><th class="n">{t.dropped}</th><th class="n">{t.repeated}</th><th class="n">{t.unanswered}</th><th class="n">{t.waiting}</th></tr></thead>
          <tbody>
            {apps.map((a) => (
              <tr key={a.SDKAppID}>
                <th scope="row"><a href={page(a.SDKAppID, "events")}>{a.SDKAppID}</a><small class="break">{a.Settings.CallbackURL || t.noCallbackURL}</small></th>
                <td class="n" data-name={t.sends}>{number(a.Attempts)}</td>
                <td class="n" data-name={t.accepted}>{number(a.Accepted)}</td>
                <td class="n" data-name={t.refused}>{number(a.Refused)}</td>
                <td class="n" data-name={t.dropped}>{number(a.Dropped)}</td>
                <td class="n" data-name={t.repeated}>{number(a.Repeated)}</td>
                <td class="n" data-name={t.unanswered}>{number(a.Unanswered)}</td>
                <td class={"n" + (a.Waiting ? " warn" : "")} data-name={t.waiting}>{number(a.Waiting)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Panel>
      <Latest id={chosen} />
    </>
  );
}

function Tile(props: { value: number; label: string; warn?: boolean }) {
  return <div class={"tile" + (props.warn ? " warn" : "")}><b>{number(props.value)}</b><span>{props.label}</span></div>;
}

// Search is where "a user says his message did not arrive" begins.
function Search(props: { apps: App[]; chosen: string; choose: (id: string) => void }) {
  const [kind, setKind] = useState<"from" | "group">("from");
  const [text, setText] = useState("");
  const submit = (e: Event) => {
    e.preventDefault();
    go(withQuery(page(props.chosen, "events"), { [kind]: text.trim() }));
  };
  return (
    <Panel title={t.search.title} class="search">
      <form class="line" role="search" onSubmit={submit}>
        {props.apps.length > 1 && (
          <label>{t.app}
            <select value={props.chosen} onChange={(e) => props.choose(e.currentTarget.value)}>
              {props.apps.map((a) => <option key={a.SDKAppID} value={String(a.SDKAppID)}>{a.SDKAppID}</option>)}
            </select>
          </label>
        )}
        <label>{t.search.by}
          <select value={kind} onChange={(e) => setKind(e.currentTarget.value as "from" | "group")}>
            <option value="from">{t.user}</option>
            <option value="group">{t.group}</option>
          </select>
        </label>
        <label class="grow">{kind === "from" ? t.userId : t.groupId}
          <input name="q" type="search" value={text} required autocomplete="off" autocapitalize="off" spellcheck={false} onInput={(e) => setText(e.currentTarget.value)} />
        </label>
        <button class="primary">{t.search.button}</button>
      </form>
    </Panel>
  );
}

// Attention lists the endpoints that somebody should look at.
function Attention(props: { apps: App[] }) {
  const asked = props.apps.slice(0, maxAsked);
  const all = useLoad("endpoints " + asked.map((a) => a.SDKAppID).join(), async (signal) => {
    const lists = await Promise.all(asked.map(async (a) => {
      const { Endpoints } = await get<{ Endpoints: Endpoint[] | null }>(app(a.SDKAppID, "/v1/endpoints"), signal);
      return (Endpoints ?? []).map((endpoint) => ({ app: a.SDKAppID, endpoint }));
    }));
    return lists.flat();
  }, 5000);
  return (
    <Panel title={t.attention} note={props.apps.length > maxAsked ? t.onlyFirst(maxAsked) : undefined}>
      <Show of={all}>
        {(list) => {
          const troubled = list.filter(({ endpoint: e }) => e.Lane.FailingAt || e.State !== "active" || e.Lane.Dead > 0 || e.Lane.Waiting > 0);
          if (list.length === 0) return <Empty>{t.noEndpoints}</Empty>;
          if (troubled.length === 0) return <p class="well">{t.allWell}</p>;
          return (
            <ul class="plain">
              {troubled.map(({ app: id, endpoint: e }) => (
                <li key={id + e.Id}>
                  <a href={page(id, "endpoints", e.Id)}>{id} · {e.Id}</a> <EndpointState of={e} />
                  <Trouble of={e} />
                </li>
              ))}
            </ul>
          );
        }}
      </Show>
    </Panel>
  );
}

function Latest(props: { id: string }) {
  const latest = useLoad("latest " + props.id, (s) =>
    get<EventsPage>(withQuery(app(props.id, "/v1/events"), { newest: 1, nobody: 1, limit: 8, command: exceptionCommand }), s), 5000);
  return (
    <Panel title={t.latest(props.id)} actions={<a href={page(props.id, "events")}>{t.all}</a>}>
      <Show of={latest}>
        {(p) => (p.Events.length === 0 ? <Empty>{t.noExceptions}</Empty> : <EventTable id={props.id} events={p.Events} />)}
      </Show>
    </Panel>
  );
}

function AddApp(props: { done: () => void }) {
  const [open, setOpen] = useState(false);
  const [id, setId] = useState("");
  const [admins, setAdmins] = useState("administrator");
  const [key, setKey] = useState<AppKey>();
  const act = useAction();
  useEffect(() => { if (open) setKey(undefined); }, [open]);
  const submit = async (e: Event) => {
    e.preventDefault();
    await act.run(async () => {
      const made = await call<AppKey>("POST", "/apps", { SDKAppID: Number(id), Admins: admins.split(/[\s,]+/).filter(Boolean) });
      setOpen(false);
      setId("");
      setKey(made);
      props.done();
    });
  };
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>{t.addApp}</button>
      {open && (
        <Dialog title={t.addApp} onClose={() => setOpen(false)}>
          <form onSubmit={submit}>
            <div class="field"><label>SDKAppID <input value={id} inputMode="numeric" pattern="[1-9][0-9]*" required autocomplete="off" onInput={(e) => setId(e.currentTarget.value)} /></label></div>
            <div class="field"><label>{t.admins} <input value={admins} required autocomplete="off" onInput={(e) => setAdmins(e.currentTarget.value)} /></label><p class="help">{t.adminsHelp}</p></div>
            <Fault error={act.error} />
            <div class="buttons"><button type="button" onClick={() => setOpen(false)}>{t.cancel}</button><button class="primary" disabled={act.busy}>{t.add}</button></div>
          </form>
        </Dialog>
      )}
      {key && <Secret title={t.keyOf(key.SDKAppID)} note={t.keyNote} value={key.Key} onClose={() => setKey(undefined)} />}
    </>
  );
}
