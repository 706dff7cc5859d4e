import { useState } from "preact/hooks";
import { useLoad } from "../../../shared/load";
import { go } from "../../../shared/router";
import { app, call, get, page } from "../api";
import { Fields, fieldOf, useForm } from "../form";
import { Badge, Dialog, Empty, Fault, Panel, Show, Time, useAction, View } from "../parts";
import { exceptionCommand, type Endpoint } from "../types";
import { number, t } from "../words";
import { endpointFields } from "./endpoint";

export function EndpointsView(props: { id: string }) {
  const list = useLoad("endpoints", (s) => get<{ Endpoints: Endpoint[] | null }>(app(props.id, "/v1/endpoints"), s), 3000);
  return (
    <View title={t.tabs.endpoints} lead={t.endpoints.lead} actions={<AddEndpoint id={props.id} />}>
      <Show of={list}>
        {({ Endpoints }) =>
          !Endpoints?.length ? <Panel><Empty>{t.endpoints.none}</Empty></Panel> : (
            <Panel>
              <table class="cards">
                <thead><tr><th>{t.endpoint}</th><th>{t.events.state}</th><th class="n">{t.lane.backlog}</th><th class="n">{t.lane.waiting}</th><th class="n">{t.lane.dead}</th><th class="n">{t.lane.inFlight}</th><th>{t.lane.oldest}</th><th>{t.lane.delivered}</th></tr></thead>
                <tbody>
                  {Endpoints.map((e) => (
                    <tr key={e.Id}>
                      <th scope="row"><a href={page(props.id, "endpoints", e.Id)}>{e.Id}</a><small class="break">{e.URL}</small></th>
                      <td data-name={t.events.state}><div><EndpointState of={e} /><Trouble of={e} /></div></td>
                      <td class="n" data-name={t.lane.backlog}>{number(e.Lane.Backlog)}</td>
                      <td class={"n" + (e.Lane.Waiting ? " warn" : "")} data-name={t.lane.waiting}>{number(e.Lane.Waiting)}</td>
                      <td class={"n" + (e.Lane.Dead ? " bad" : "")} data-name={t.lane.dead}>{number(e.Lane.Dead)}</td>
                      <td class="n" data-name={t.lane.inFlight}>{e.Lane.InFlight} / {e.Lane.Limit}</td>
                      <td data-name={t.lane.oldest}>{e.Lane.OldestAt ? <Time ms={e.Lane.OldestAt} ago /> : <span class="dim">{t.lane.nothing}</span>}</td>
                      <td data-name={t.lane.delivered}><Time ms={e.Lane.DeliveredAt ?? 0} ago /></td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Panel>
          )
        }
      </Show>
    </View>
  );
}

// EndpointState tells in a word or two how an endpoint fares.
export function EndpointState(props: { of: Endpoint }) {
  const { State, Lane } = props.of;
  if (State !== "active") return <Badge kind="bad">{t.lane.paused}</Badge>;
  if (Lane.FailingAt) return <Badge kind="bad">{t.lane.failing}</Badge>;
  return (
    <>
      <Badge kind={Lane.Waiting ? "warn" : "good"}>{Lane.Waiting ? t.lane.retrying(number(Lane.Waiting)) : t.lane.active}</Badge>
      {Lane.Dead > 0 && <> <Badge kind="bad">{t.lane.deadLetters(number(Lane.Dead))}</Badge></>}
    </>
  );
}

// Trouble tells since when an endpoint fails, and its last error while that
// matters.
export function Trouble(props: { of: Endpoint }) {
  const { State, Reason, Lane } = props.of;
  return (
    <>
      {State !== "active" && Reason && <small class="break">{Reason}</small>}
      {Lane.FailingAt ? <small>{t.lane.failingSince} <Time ms={Lane.FailingAt} ago /></small> : null}
      {Lane.LastError && (Lane.FailingAt || Lane.Waiting > 0 || Lane.Dead > 0) ? <small class="break">{Lane.LastError}</small> : null}
    </>
  );
}

function AddEndpoint(props: { id: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>{t.endpoints.add}</button>
      {open && <Dialog title={t.endpoints.add} onClose={() => setOpen(false)}><NewEndpoint id={props.id} close={() => setOpen(false)} /></Dialog>}
    </>
  );
}

function NewEndpoint(props: { id: string; close: () => void }) {
  const form = useForm({ Id: "", URL: "", Token: "", Commands: [exceptionCommand] });
  const act = useAction();
  const specs = [
    { name: "Id", label: t.endpoints.id, help: t.endpoints.idHelp, of: { kind: "text" as const } },
    ...endpointFields().filter((f) => ["URL", "Commands", "Token"].includes(f.name)),
  ];
  const submit = async (e: Event) => {
    e.preventDefault();
    const { Token, ...rest } = form.values;
    await act.run(async () => {
      await call("POST", app(props.id, "/v1/endpoints"), { ...rest, ...(Token ? { Token } : {}) });
      go(page(props.id, "endpoints", String(form.values.Id)));
    });
  };
  return (
    <form onSubmit={submit}>
      <Fields specs={specs} form={form} error={act.error} />
      {!fieldOf(act.error, specs.map((s) => s.name)) && <Fault error={act.error} />}
      <p class="dim">{t.endpoints.rest}</p>
      <div class="buttons"><button type="button" onClick={props.close}>{t.cancel}</button><button class="primary" disabled={act.busy}>{t.add}</button></div>
    </form>
  );
}
