import { call, app as path } from "../api";
import type { Apps } from "../console";
import { Fields, fieldOf, useForm, type FieldSpec } from "../form";
import { Empty, Fault, Panel, Show, useAction, View } from "../parts";
import { callbackCommands, type App, type AppSettings } from "../types";
import { t } from "../words";

export function SettingsView(props: { id: string; apps: Apps }) {
  return (
    <View title={t.settings.title} lead={t.settings.lead}>
      <Show of={props.apps}>
        {({ Apps }) => {
          const app = Apps?.find((a) => String(a.SDKAppID) === props.id);
          return app ? <Form app={app} reload={props.apps.reload} /> : <Panel><Empty>{t.appMissing}</Empty></Panel>;
        }}
      </Show>
    </View>
  );
}

// The settings in the order of a send's way; the names are those of AppChange.
function sections(signed: boolean): { title: string; specs: FieldSpec[] }[] {
  const f = t.fields;
  const rate = { kind: "number", min: 0, unit: t.units.perSecond } as const;
  return [
    {
      title: t.settings.callbacks,
      specs: [
        { name: "CallbackURL", ...f.CallbackURL, of: { kind: "text", placeholder: "https://" } },
        { name: "CallbackToken", label: f.CallbackToken.label, help: f.CallbackToken.help + " " + (signed ? t.settings.signed : t.settings.unsigned), of: { kind: "secret" } },
        ...(signed ? [{ name: "NoToken", label: t.noToken, bare: true, of: { kind: "switch" as const } }] : []),
        { name: "CallbackCA", ...f.CallbackCA, of: { kind: "pem" } },
        { name: "CallbackCommands", ...f.CallbackCommands, of: { kind: "several", choices: callbackCommands } },
        { name: "EventTime", ...f.EventTime, of: { kind: "choice", choices: [{ value: "integer", label: f.EventTimeInteger }, { value: "string", label: f.EventTimeString }] } },
        { name: "ModernTypes", ...f.ModernTypes, of: { kind: "switch" } },
      ],
    },
    {
      title: t.settings.question,
      specs: [
        { name: "BeforeSendFailure", ...f.BeforeSendFailure, of: { kind: "choice", choices: [{ value: "deliver", label: f.BeforeSendDeliver }, { value: "refuse", label: f.BeforeSendRefuse }] } },
        { name: "LimitAfterBeforeSend", ...f.LimitAfterBeforeSend, of: { kind: "switch" } },
      ],
    },
    {
      title: t.settings.limits,
      specs: [
        { name: "GroupRate", ...f.GroupRate, of: rate },
        { name: "SenderRate", ...f.SenderRate, of: rate },
        { name: "APIRate", ...f.APIRate, of: rate },
        { name: "OnFrequency", ...f.OnFrequency, of: { kind: "choice", choices: [{ value: "refuse", label: f.OnFrequencyRefuse }, { value: "drop", label: f.OnFrequencyDrop }] } },
        { name: "StormLimit", ...f.StormLimit, of: rate },
        { name: "MaxMessage", ...f.MaxMessage, of: { kind: "number", min: 1, unit: t.units.bytes } },
        { name: "MaxAt", ...f.MaxAt, of: { kind: "number", min: 0 } },
        { name: "MissingGroup", ...f.MissingGroup, of: { kind: "choice", choices: [{ value: 10010, label: "10010" }, { value: 10015, label: "10015" }] } },
      ],
    },
    { title: t.admins, specs: [{ name: "Admins", ...f.Admins, of: { kind: "lines" } }] },
  ];
}

function values(s: AppSettings, admins: string[] | null) {
  return { ...s, CallbackCommands: s.CallbackCommands ?? [], CallbackToken: "", NoToken: false, Admins: admins ?? [] };
}

function Form(props: { app: App; reload: () => void }) {
  const { app } = props;
  const form = useForm(values(app.Settings, app.Admins));
  const act = useAction();
  const all = sections(app.Settings.CallbackSigned);
  const submit = async (e: Event) => {
    e.preventDefault();
    await act.run(async () => {
      const { NoToken, ...change } = form.changed() as Record<string, unknown>;
      if (NoToken) change.CallbackToken = "";
      if (Object.keys(change).length === 0) return t.nothingChanged;
      const now = await call<App>("PATCH", path(app.SDKAppID), change);
      form.begin(values(now.Settings, now.Admins));
      props.reload();
      return t.saved;
    });
  };
  const field = fieldOf(act.error, all.flatMap((s) => s.specs.map((f) => f.name)));
  return (
    <form class="settings" onSubmit={submit}>
      {all.map((s) => (
        <Panel key={s.title} title={s.title}>
          <Fields specs={s.specs} form={form} error={act.error} />
        </Panel>
      ))}
      <div class="panel save">
        {field ? <p class="field-error" role="alert">{t.notSaved(field)}</p> : <Fault error={act.error} />}
        <div class="buttons"><button class="primary" disabled={act.busy}>{t.save}</button><p class="done" role="status">{act.done}</p></div>
      </div>
    </form>
  );
}
