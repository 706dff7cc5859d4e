import { useState } from "preact/hooks";
import { useLoad } from "../../../shared/load";
import { go, withQuery } from "../../../shared/router";
import { ago, fromInput } from "../../../shared/time";
import { app, call, get, page } from "../api";
import { Fields, fieldOf, useForm, type FieldSpec } from "../form";
import { Badge, Confirm, Empty, Fact, Facts, Fault, Outcome, Panel, Secret, Show, Time, useAction, View } from "../parts";
import { callbackCommands, type Endpoint, type TestResult } from "../types";
import { number, t } from "../words";
import { EndpointState } from "./endpoints";

export function EndpointView(props: { id: string; endpoint: string }) {
  const path = app(props.id, `/v1/endpoints/${encodeURIComponent(props.endpoint)}`);
  const loaded = useLoad(path, (s) => get<Endpoint>(path, s), 3000);
  return (
    <View title={t.endpointNamed(props.endpoint)} lead={loaded.data?.URL && <span class="break">{loaded.data.URL}</span>}>
      <Show of={loaded}>
        {(e) => (
          <>
            <LanePanel id={props.id} path={path} of={e} reload={loaded.reload} />
            <ReplayPanel id={props.id} of={e} reload={loaded.reload} />
            <div class="columns">
              <div><Edit path={path} of={e} reload={loaded.reload} /></div>
              <div>
                <Keys path={path} of={e} reload={loaded.reload} />
                <Panel title={t.endpoints.remove} note={t.endpoints.removeNote}>
                  <Confirm label={t.endpoints.remove} title={t.endpoints.remove} text={t.endpoints.removeText} danger word={e.Id}
                    action={async () => { await call("DELETE", path); }} after={() => go(page(props.id, "endpoints"))} />
                </Panel>
              </div>
            </div>
          </>
        )}
      </Show>
    </View>
  );
}

function LanePanel(props: { id: string; path: string; of: Endpoint; reload: () => void }) {
  const { of: e } = props;
  const lane = e.Lane;
  const act = useAction();
  const [result, setResult] = useState<TestResult>();
  const post = (what: string, done: string) => act.run(async () => {
    await call("POST", `${props.path}/${what}`, {});
    props.reload();
    return done;
  });
  const test = () => act.run(async () => {
    setResult(undefined);
    setResult(await call<TestResult>("POST", `${props.path}/test`, {}));
  });
  const dead = withQuery(page(props.id, "events"), { endpoint: e.Id, state: "dead", command: "all" });
  const waiting = withQuery(page(props.id, "events"), { endpoint: e.Id, state: "waiting", command: "all" });
  return (
    <Panel title={t.lane.title} actions={
      <>
        <button type="button" disabled={act.busy} onClick={test}>{t.endpoints.test}</button>
        {e.State === "active"
          ? <button type="button" disabled={act.busy} onClick={() => post("pause", t.endpoints.pausedNow)}>{t.endpoints.pause}</button>
          : <button type="button" class="primary" disabled={act.busy} onClick={() => post("resume", t.endpoints.resumedNow)}>{t.endpoints.resume}</button>}
      </>
    }>
      <p><EndpointState of={e} /> {e.Reason && <span class="break">{e.Reason}</span>}</p>
      <Outcome of={act} />
      {result && <TestPanel of={result} />}
      <Facts>
        <Fact name={t.lane.backlog}>{number(lane.Backlog)}</Fact>
        <Fact name={t.lane.waiting}>{lane.Waiting ? <a href={waiting}>{number(lane.Waiting)}</a> : "0"}</Fact>
        <Fact name={t.lane.dead}>{lane.Dead ? <a class="bad" href={dead}>{number(lane.Dead)}</a> : "0"}</Fact>
        <Fact name={t.lane.inFlight}>{lane.InFlight} / {lane.Limit}</Fact>
        <Fact name={t.lane.oldest}>{lane.OldestAt ? <Time ms={lane.OldestAt} ago /> : t.lane.nothing}</Fact>
        <Fact name={t.lane.delivered}><Time ms={lane.DeliveredAt ?? 0} ago /></Fact>
        {lane.FailingAt ? <Fact name={t.lane.failingSince}><Time ms={lane.FailingAt} /> <small>{t.ago(ago(lane.FailingAt))}</small></Fact> : null}
        <Fact name={t.lane.settled}>{lane.Settled}</Fact>
        {lane.LastError && <Fact name={t.lane.lastError}><span class="break">{lane.LastError}</span></Fact>}
      </Facts>
      {!lane.Here && <p class="dim">{t.lane.elsewhere}</p>}
      {lane.Replays?.length ? (
        <ul class="plain">{lane.Replays.map((r) => <li key={r.Id}>{t.replays.running(r.First, r.Last, r.Next)}</li>)}</ul>
      ) : null}
    </Panel>
  );
}

function TestPanel(props: { of: TestResult }) {
  const r = props.of;
  return (
    <div class={"result " + (r.Delivered ? "good" : "bad")} role="status">
      <p><Badge kind={r.Delivered ? "good" : "bad"}>{r.Delivered ? t.endpoints.testGood : t.endpoints.testBad}</Badge> {t.endpoints.testTook(r.Status, r.Duration)}</p>
      {r.Reason && <p class="break">{r.Reason}</p>}
      {r.Answer && <pre class="code wrap" tabIndex={0}>{r.Answer}</pre>}
      <p class="dim">{t.endpoints.next[r.Next as keyof typeof t.endpoints.next] ?? r.Next} <span class="break">{r.URL}</span></p>
    </div>
  );
}

// endpointFields are the settings of an endpoint, with the names of
// EndpointChange.
export function endpointFields(): FieldSpec[] {
  const f = t.endpointFields;
  return [
    { name: "URL", ...f.URL, of: { kind: "text", placeholder: "https://" } },
    { name: "Commands", ...f.Commands, of: { kind: "several", choices: callbackCommands } },
    { name: "ErrorCodes", ...f.ErrorCodes, of: { kind: "numbers" } },
    { name: "GroupIds", ...f.GroupIds, of: { kind: "lines" } },
    { name: "Token", ...f.Token, of: { kind: "secret" } },
    { name: "MaxInFlight", ...f.MaxInFlight, of: { kind: "number", min: 1, max: 256 } },
    { name: "Rate", ...f.Rate, of: { kind: "number", min: 0, unit: t.units.perSecond } },
    { name: "Order", ...f.Order, of: { kind: "choice", choices: [{ value: "none", label: f.OrderNone }, { value: "group", label: f.OrderGroup }] } },
    { name: "GroupHold", ...f.GroupHold, of: { kind: "number", min: 1, max: 86400, unit: t.units.seconds } },
    { name: "Timeout", ...f.Timeout, of: { kind: "number", min: 1, max: 30, unit: t.units.seconds } },
    { name: "Retry", ...f.Retry, of: { kind: "numbers" } },
    { name: "MaxAge", ...f.MaxAge, of: { kind: "number", min: 60, max: 2592000, unit: t.units.seconds } },
    { name: "Objection", ...f.Objection, of: { kind: "choice", choices: [{ value: "dead", label: f.ObjectionDead }, { value: "delivered", label: f.ObjectionDelivered }] } },
    { name: "Heartbeat", ...f.Heartbeat, of: { kind: "number", min: 0, max: 3600, unit: t.units.seconds } },
    { name: "MinTLS", ...f.MinTLS, of: { kind: "choice", choices: [{ value: "1.2", label: "TLS 1.2" }, { value: "1.3", label: "TLS 1.3" }] } },
    { name: "CA", ...f.CA, of: { kind: "pem" } },
    { name: "ClientCert", ...f.ClientCert, of: { kind: "pem" } },
    { name: "ClientKey", ...f.ClientKey, of: { kind: "pem" } },
  ];
}

function values(e: Endpoint) {
  return {
    ...Object.fromEntries(endpointFields().map((f) => [f.name, (e as unknown as Record<string, unknown>)[f.name] ?? (f.of.kind === "several" || f.of.kind === "lines" || f.of.kind === "numbers" ? [] : "")])),
    NoToken: false,
  };
}

function Edit(props: { path: string; of: Endpoint; reload: () => void }) {
  const form = useForm(values(props.of));
  const act = useAction();
  const specs = endpointFields();
  if (props.of.Signed) specs.splice(5, 0, { name: "NoToken", label: t.noToken, bare: true, of: { kind: "switch" } });
  const submit = async (e: Event) => {
    e.preventDefault();
    await act.run(async () => {
      const { NoToken, ...change } = form.changed() as Record<string, unknown>;
      if (NoToken) change.Token = "";
      if (Object.keys(change).length === 0) return t.nothingChanged;
      const now = await call<Endpoint>("PATCH", props.path, change);
      form.begin(values(now));
      props.reload();
      return t.saved;
    });
  };
  const field = fieldOf(act.error, specs.map((s) => s.name));
  return (
    <Panel title={t.settings.title}>
      <form onSubmit={submit} class="settings">
        <Fields specs={specs} form={form} error={act.error} />
        {field ? <p class="field-error" role="alert">{t.notSaved(field)}</p> : <Fault error={act.error} />}
        <div class="buttons"><button class="primary" disabled={act.busy}>{t.save}</button><p class="done" role="status">{act.done}</p></div>
      </form>
    </Panel>
  );
}

function ReplayPanel(props: { id: string; of: Endpoint; reload: () => void }) {
  const [what, setWhat] = useState<"dead" | "range">("dead");
  const [since, setSince] = useState("");
  const [until, setUntil] = useState("");
  const [code, setCode] = useState("");
  const [group, setGroup] = useState("");
  const act = useAction();
  const submit = (e: Event) => {
    e.preventDefault();
    void act.run(async () => {
      await call("POST", app(props.id, "/v1/replay"), {
        Endpoint: props.of.Id, ...(what === "dead" ? { Dead: true } : {}),
        ...(since ? { Since: fromInput(since) } : {}), ...(until ? { Until: fromInput(until) } : {}),
        ...(code ? { Code: Number(code) } : {}), ...(group ? { Group: group } : {}),
      });
      props.reload();
      return t.replays.started;
    });
  };
  return (
    <Panel title={t.replays.title} note={t.replays.note}>
      {props.of.Lane.Dead === 0 && what === "dead" && <Empty>{t.replays.noDead}</Empty>}
      <form onSubmit={submit}>
        <div class="field"><label>{t.replays.what}
          <select value={what} onChange={(e) => setWhat(e.currentTarget.value as "dead" | "range")}>
            <option value="dead">{t.replays.dead(number(props.of.Lane.Dead))}</option>
            <option value="range">{t.replays.range}</option>
          </select></label></div>
        <div class="line">
          <label class="wide">{t.events.since}<input type="datetime-local" required={what === "range"} value={since} onChange={(e) => setSince(e.currentTarget.value)} /></label>
          <label class="wide">{t.events.until}<input type="datetime-local" value={until} onChange={(e) => setUntil(e.currentTarget.value)} /></label>
          <label>{t.events.code}<input value={code} inputMode="numeric" pattern="[0-9]*" onInput={(e) => setCode(e.currentTarget.value)} /></label>
          <label>{t.group}<input value={group} autocomplete="off" spellcheck={false} onInput={(e) => setGroup(e.currentTarget.value.trim())} /></label>
        </div>
        <Outcome of={act} />
        <button class="primary" disabled={act.busy || (what === "dead" && props.of.Lane.Dead === 0)}>{t.replays.button}</button>
      </form>
    </Panel>
  );
}

function Keys(props: { path: string; of: Endpoint; reload: () => void }) {
  const keys = props.of.SigningKeys ?? [];
  const [made, setMade] = useState("");
  const add = (kind: string) => async () => {
    const now = await call<Endpoint & { NewKey?: string }>("PATCH", props.path, { AddKey: kind });
    setMade(now.NewKey ?? "");
    props.reload();
  };
  return (
    <Panel title={t.signing.title} note={t.signing.note}>
      {keys.length === 0 ? <Empty>{t.signing.none}</Empty> : (
        <table class="pairs"><tbody>{keys.map((k) => <tr key={k.Id}><th scope="row"><code>{k.Id}</code></th><td class="break">{k.Kind}{k.Public && <code class="answer break">{k.Public}</code>}</td></tr>)}</tbody></table>
      )}
      <div class="buttons">
        <Confirm label={t.signing.add("v1")} title={t.signing.add("v1")} text={t.signing.text} action={add("v1")} />
        <Confirm label={t.signing.add("v1a")} title={t.signing.add("v1a")} text={t.signing.text} action={add("v1a")} />
        {keys.length > 0 && <Confirm label={t.signing.removeAll} title={t.signing.removeAll} text={t.signing.removeText} danger action={async () => { await call("PATCH", props.path, { SigningKeys: [] }); props.reload(); }} />}
      </div>
      {made && <Secret title={t.signing.made} note={t.signing.madeNote} value={made} onClose={() => setMade("")} />}
    </Panel>
  );
}
