import { useState } from "preact/hooks";
import { useLoad } from "../../../shared/load";
import { go } from "../../../shared/router";
import { app, call, get, home } from "../api";
import type { Apps } from "../console";
import { Confirm, Empty, Fault, Panel, Secret, Show, Time, useAction, View } from "../parts";
import type { AppKey, Token } from "../types";
import { t } from "../words";

export function KeysView(props: { id: string; apps: Apps }) {
  return (
    <View title={t.tabs.keys}>
      <AppKeyPanel id={props.id} />
      <Tokens id={props.id} />
      <Panel title={t.keys.removeApp} note={t.keys.removeNote}>
        <Confirm label={t.keys.removeApp} title={t.keys.removeApp} text={t.keys.removeText} danger word={props.id}
          action={async () => { await call("DELETE", app(props.id)); }} after={() => { props.apps.reload(); go(home); }} />
      </Panel>
    </View>
  );
}

function AppKeyPanel(props: { id: string }) {
  const [key, setKey] = useState<AppKey>();
  return (
    <Panel title={t.keys.key} note={t.keys.keyNote}>
      <Confirm label={t.keys.rotate} title={t.keys.rotate} text={t.keys.rotateText} danger
        action={async () => { setKey(await call<AppKey>("POST", app(props.id, "/rotate-key"), {})); }} />
      {key && <Secret title={t.keyOf(key.SDKAppID)} note={t.keyNote} value={key.Key} onClose={() => setKey(undefined)} />}
    </Panel>
  );
}

function Tokens(props: { id: string }) {
  const path = app(props.id, "/v1/tokens");
  const list = useLoad(path, (s) => get<{ Tokens: Token[] | null }>(path, s));
  const [name, setName] = useState("");
  const [made, setMade] = useState<Token & { Secret: string }>();
  const act = useAction();
  const submit = (e: Event) => {
    e.preventDefault();
    void act.run(async () => {
      setMade(await call<Token & { Secret: string }>("POST", path, { Name: name.trim() }));
      setName("");
      list.reload();
    });
  };
  return (
    <Panel title={t.keys.tokens} note={t.keys.tokensNote}>
      <form class="line" onSubmit={submit}>
        <label class="grow">{t.keys.tokenName}<input name="token-name" value={name} required autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} /></label>
        <button class="primary" disabled={act.busy}>{t.keys.makeToken}</button>
      </form>
      <Fault error={act.error} />
      <Show of={list}>
        {({ Tokens }) => !Tokens?.length ? <Empty>{t.keys.noTokens}</Empty> : (
          <ul class="plain rows">
            {Tokens.map((k) => (
              <li key={k.Id}>
                <span><b class="break">{k.Name}</b> <small><Time ms={k.CreatedAt * 1000} /> · {k.Id}</small></span>
                <Confirm label={t.keys.revoke} title={t.keys.revoke} text={t.keys.revokeText(k.Name)} danger
                  action={async () => { await call("DELETE", `${path}/${encodeURIComponent(k.Id)}`); list.reload(); }} />
              </li>
            ))}
          </ul>
        )}
      </Show>
      {made && <Secret title={t.keys.tokenMade} note={t.keys.tokenMadeNote} value={made.Secret} onClose={() => setMade(undefined)} />}
    </Panel>
  );
}
