import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../../../shared/client";
import { explainCode } from "../../../shared/codes";
import { useLoad } from "../../../shared/load";
import { withQuery } from "../../../shared/router";
import { app, call, get, page } from "../api";
import { Badge, Empty, Fact, Facts, Json, Outcome, Panel, Show, Time, useAction, View } from "../parts";
import { forever, stateCommand, type EventDelivery, type EventDetail } from "../types";
import { actionOf, language, number, t } from "../words";

// Milliseconds between two looks, and how long the quick ones go on.
const slow = 5000;
const quick = 1000;
const soon = 10_000;

export function EventView(props: { id: string; event: string }) {
  const [asked, setAsked] = useState(0); // when it was last sent again
  const [every, setEvery] = useState(slow);
  const detail = useLoad(props.event, (s) => get<EventDetail>(app(props.id, `/v1/events/${encodeURIComponent(props.event)}`), s), every);
  // While something is about to happen, it is shown as it happens.
  useEffect(() => {
    const due = detail.data?.Deliveries.some((d) => d.State === "waiting" && !d.NextAt);
    setEvery(due || Date.now() < asked + soon ? quick : slow);
  }, [detail.data, asked]);
  const again = () => {
    setAsked(Date.now());
    detail.reload();
  };
  if (detail.data === undefined && detail.error instanceof ApiError && detail.error.status === 404) {
    return <View title={t.event.title}><Empty>{t.event.gone} <a href={page(props.id, "events")}>{t.event.toList}</a></Empty></View>;
  }
  return (
    <Show of={detail}>
      {(d) => <Detail id={props.id} of={d} reload={again} />}
    </Show>
  );
}

function Detail(props: { id: string; of: EventDetail; reload: () => void }) {
  const { id, of: d } = props;
  const code = d.ErrorCode ? explainCode(d.ErrorCode, language) : undefined;
  const state = d.Command === stateCommand; // of no message, and of no group
  const title = d.ErrorCode ? (code?.what ?? t.code(d.ErrorCode)) : actionOf(d) ?? d.Command;
  return (
    <View title={title}>
      {(d.ErrorCode !== 0 || d.Rule) && <Panel class="verdict">
        {d.ErrorCode !== 0 && <p><span class="code-number">{d.ErrorCode}</span> <q class="break">{d.ErrorInfo}</q></p>}
        {code && <p>{code.todo}</p>}
        {d.Rule && <p>{t.event.refusedBy} <b>{t.rules[d.Rule as keyof typeof t.rules] ?? d.Rule}</b> <code>{d.Rule}</code></p>}
        <Remedy id={id} of={d} />
      </Panel>}
      <div class="columns">
        <div>
          {d.Rule && <Compared of={d} />}
          {d.BeforeSend && <BeforeSend of={d.BeforeSend} />}
          <Panel title={state ? t.event.state : t.event.send}>
            <Facts>
              <Fact name={t.user}>{d.From_Account ? <><a class="break" href={page(id, "users", d.From_Account)}>{d.From_Account}</a> <a class="aside" href={withQuery(page(id, "events"), { from: d.From_Account })}>{t.event.allOf}</a></> : "–"}</Fact>
              {!state && <Fact name={t.group}>{d.GroupId ? <><a class="break" href={page(id, "groups", d.GroupId)}>{d.GroupId}</a> <a class="aside" href={withQuery(page(id, "events"), { group: d.GroupId })}>{t.event.allOf}</a></> : "–"}</Fact>}
              <Fact name={t.time}><Time ms={d.EventTime} ago /></Fact>
              <Fact name={state ? t.event.from : t.event.client}>{d.OptPlatform} {d.ClientIP}</Fact>
              {d.Action && <Fact name={t.reason}>{d.Action} {d.Reason}</Fact>}
              {!state && <Fact name="Random">{d.Random}</Fact>}
              {d.Count > 1 && <Fact name={t.event.count}>{t.event.shares(number(d.Count))}</Fact>}
              {d.Truncated ? <Fact name={t.event.cut}>{t.event.cutBytes(number(d.Truncated))}</Fact> : null}
              <Fact name={t.event.callback}><span class="break">{d.Command}</span></Fact>
              <Fact name={t.event.id}><code class="break">{d.EventId}</code></Fact>
              <Fact name={t.events.sequence}>{d.Sequence} <small class="break">{t.event.epoch} {d.Epoch}</small></Fact>
            </Facts>
          </Panel>
        </div>
        <div>
          <Deliveries id={id} of={d} reload={props.reload} />
          {d.Body !== undefined && (
            <Panel title={t.event.body}>
              <Text body={d.Body} />
              <Json value={d.Body} />
              <details><summary>{t.event.raw}</summary><pre class="code wrap" tabIndex={0}>{JSON.stringify(d.Body)}</pre></details>
            </Panel>
          )}
        </div>
      </div>
    </View>
  );
}

// Remedy leads to where the cause can be changed.
function Remedy(props: { id: string; of: EventDetail }) {
  const { id, of: d } = props;
  const links: [string, string][] = [];
  switch (d.Rule) {
    case "account_mute": links.push([page(id, "users", d.From_Account), t.event.toUser]); break;
    case "member_mute": case "mute_all": case "sender": links.push([page(id, "groups", d.GroupId), t.event.toGroup]); break;
    case "content_filter": links.push([page(id, "words"), t.event.toWords]); break;
    case "group": links.push([page(id, "groups"), t.event.toGroups]); break;
    case "frequency": case "api_rate": case "size": case "format": links.push([page(id, "settings"), t.event.toSettings]); break;
    case "before_send": links.push([page(id, "endpoints"), t.event.toEndpoints]); break;
  }
  return links.length ? <p>{links.map(([to, label]) => <a class="button" key={to} href={to}>{label}</a>)}</p> : null;
}

function Compared(props: { of: EventDetail }) {
  const values = Object.entries(props.of.Compared ?? {});
  return (
    <Panel title={t.event.compared}>
      {values.length === 0 ? <Empty>{t.event.comparedNothing}</Empty> : (
        <table class="pairs">
          <tbody>
            {values.map(([name, value]) => (
              <tr key={name}><th scope="row">{t.compared[name as keyof typeof t.compared] ?? name} <code class="field-name">{name}</code></th><td class="break">{meant(name, value)}</td></tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

// meant writes a compared value by what its name says it is.
function meant(name: string, value: unknown): ComponentChildren {
  if (value === true) return t.yes;
  if (value === false) return t.no;
  if (name === "mute_until") {
    if (value === "forever" || value === forever) return t.forever;
    const ms = typeof value === "number" ? (value < 1e11 ? value * 1000 : value) : Date.parse(String(value));
    return Number.isFinite(ms) ? <Time ms={ms} /> : String(value);
  }
  if ((name === "free" || name === "mark") && typeof value === "number") return `${number(Math.round(value / 2 ** 20))} MB`;
  if (name.endsWith("_ms")) return `${value} ms`;
  if (typeof value === "number") return number(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}

function BeforeSend(props: { of: Record<string, unknown> }) {
  const { answer, ...rest } = props.of;
  return (
    <Panel title={t.event.beforeSend} note={t.event.beforeSendNote}>
      <table class="pairs">
        <tbody>
          <tr><th scope="row">{t.event.answer}</th><td>{t.answers[answer as keyof typeof t.answers] ?? String(answer)}</td></tr>
          {Object.entries(rest).map(([name, value]) => (
            <tr key={name}><th scope="row">{t.compared[name as keyof typeof t.compared] ?? name}</th><td class="break">{meant(name, value)}</td></tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

// Text shows the words of a message above its JSON.
function Text(props: { body: unknown }) {
  const elements = (props.body as { MsgBody?: { MsgContent?: { Text?: unknown } }[] } | null)?.MsgBody;
  const texts = Array.isArray(elements) ? elements.map((e) => e?.MsgContent?.Text).filter((s): s is string => typeof s === "string") : [];
  return texts.length ? <blockquote class="break">{texts.join("\n")}</blockquote> : null;
}

function Deliveries(props: { id: string; of: EventDetail; reload: () => void }) {
  const act = useAction();
  const again = (endpoint: string) => act.run(async () => {
    await call("POST", app(props.id, "/v1/replay"), { Endpoint: endpoint, EventId: props.of.EventId });
    props.reload();
    return endpoint ? t.event.sentAgain(endpoint) : t.event.sentAgainAll;
  });
  const list = props.of.Deliveries;
  return (
    <Panel title={t.event.deliveries} actions={list.length > 1 && <button type="button" disabled={act.busy} onClick={() => again("")}>{t.event.againAll}</button>}>
      {list.length === 0 && <Empty>{t.event.noEndpoint} <a href={page(props.id, "endpoints")}>{t.tabs.endpoints}</a></Empty>}
      <Outcome of={act} />
      {list.map((d) => (
        <div class="delivery" key={d.Endpoint}>
          <div class="panel-head">
            <h3><a href={page(props.id, "endpoints", d.Endpoint)}>{d.Endpoint}</a> <DeliveryBadge of={d} /></h3>
            <button type="button" aria-label={t.event.againTo(d.Endpoint)} disabled={act.busy} onClick={() => again(d.Endpoint)}>{t.event.again}</button>
          </div>
          {d.State === "waiting" && <p>{d.NextAt ? <>{t.event.nextAt} <Time ms={d.NextAt} /></> : t.event.due}</p>}
          {d.Reason && <p class="break">{d.Reason}</p>}
          <Attempts of={d} />
        </div>
      ))}
    </Panel>
  );
}

export function DeliveryBadge(props: { of: Pick<EventDelivery, "State" | "Replay"> }) {
  const kind = { delivered: "good", waiting: "warn", dead: "bad", unwanted: "plain", earlier: "plain" } as const;
  return <Badge kind={kind[props.of.State] ?? "plain"}>{t.states[props.of.State] ?? props.of.State}{props.of.Replay ? " · " + t.event.replay : ""}</Badge>;
}

function Attempts(props: { of: EventDelivery }) {
  const list = props.of.Attempts;
  if (list.length === 0) return props.of.State === "delivered" ? <p class="dim">{t.event.firstTry}</p> : null;
  return (
    <table class="cards attempts">
      <thead><tr><th class="n">{t.event.attempt}</th><th>{t.time}</th><th class="n">{t.event.took}</th><th class="n">{t.event.status}</th><th>{t.event.result}</th></tr></thead>
      <tbody>
        {list.map((a, i) => (
          <tr key={i}>
            <td class="n" data-name={t.event.attempt}>{a.Attempt}{a.Replay && <small>{t.event.replay}</small>}</td>
            <td data-name={t.time}><Time ms={a.At} /></td>
            <td class="n" data-name={t.event.took}>{number(a.Duration)} ms</td>
            <td class="n" data-name={t.event.status}>{a.Status || "–"}</td>
            <td data-name={t.event.result}><div>{a.Result === "delivered" ? t.states.delivered : a.Reason || t.event.failed}{a.Answer && <code class="answer break">{a.Answer}</code>}</div></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
