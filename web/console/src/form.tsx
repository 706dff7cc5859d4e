import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { ApiError } from "../../shared/client";
import { explainError } from "./api";
import { t } from "./words";

// Forms that send what was changed, and show the server's error at the field
// that it names.

export type FieldKind =
  | { kind: "text"; placeholder?: string }
  | { kind: "secret" } // empty leaves it as it is
  | { kind: "pem" }
  | { kind: "number"; min: number; max?: number; unit?: string }
  | { kind: "switch" }
  | { kind: "choice"; choices: { value: string | number; label: string }[] }
  | { kind: "several"; choices: string[] }
  | { kind: "lines" } // a list of texts, one a line
  | { kind: "numbers" }; // a list of numbers, apart by commas

export interface FieldSpec {
  name: string;
  label: string;
  help?: string;
  bare?: boolean; // the server knows no field of this name
  of: FieldKind;
}

export type Values = Record<string, unknown>;

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

// fieldOf is the field that a refusal names, if it is one of the form's.
export function fieldOf(error: unknown, names: string[]): string | undefined {
  if (!(error instanceof ApiError)) return undefined;
  const words = error.info.split(/[^A-Za-z0-9_]+/);
  return words.find((w) => names.includes(w));
}

export function useForm(initial: Values) {
  const [values, setValues] = useState(initial);
  const [base, setBase] = useState(initial);
  return {
    values,
    set: (name: string, value: unknown) => setValues((v) => ({ ...v, [name]: value })),
    // changed has the fields that differ from what the form began with.
    changed: () => Object.fromEntries(Object.entries(values).filter(([name, v]) => !same(v, base[name]))),
    begin: (v: Values) => { setValues(v); setBase(v); },
  };
}

export function Fields(props: { specs: FieldSpec[]; form: ReturnType<typeof useForm>; error?: unknown }) {
  const bad = fieldOf(props.error, props.specs.map((s) => s.name));
  return (
    <>
      {props.specs.map((s) => (
        <FormField key={s.name} spec={s} value={props.form.values[s.name]} onChange={(v) => props.form.set(s.name, v)} error={bad === s.name ? explainError(props.error) : undefined} />
      ))}
    </>
  );
}

function FormField(props: { spec: FieldSpec; value: unknown; onChange: (v: unknown) => void; error: string | undefined }) {
  const id = useId();
  const { spec, value, onChange, error } = props;
  const about = [spec.help && id + "h", error && id + "e"].filter(Boolean).join(" ") || undefined;
  const shared = { id, name: spec.name, "aria-describedby": about, "aria-invalid": error ? ("true" as const) : undefined };
  const label = (
    <>
      {spec.label} {!spec.bare && <code class="field-name">{spec.name}</code>}
    </>
  );
  const frame = (input: ComponentChildren) => (
    <div class={"field" + (error ? " wrong" : "")}>
      <label for={id}>{label}</label>
      {input}
      {spec.help && <p class="help" id={id + "h"}>{spec.help}</p>}
      {error && <p class="field-error" id={id + "e"} role="alert">{error}</p>}
    </div>
  );
  const of = spec.of;
  switch (of.kind) {
    case "text":
      return frame(<input {...shared} value={String(value ?? "")} placeholder={of.placeholder} autocomplete="off" spellcheck={false} onInput={(e) => onChange(e.currentTarget.value)} />);
    case "secret":
      return frame(<input {...shared} type="password" value={String(value ?? "")} placeholder={t.unchanged} autocomplete="new-password" onInput={(e) => onChange(e.currentTarget.value)} />);
    case "pem":
      return frame(<textarea {...shared} class="code" rows={3} value={String(value ?? "")} placeholder="-----BEGIN CERTIFICATE-----" spellcheck={false} onInput={(e) => onChange(e.currentTarget.value)} />);
    case "number":
      return frame(
        <span class="with-unit">
          <input {...shared} type="number" min={of.min} max={of.max} step={1} value={Number.isNaN(value) ? "" : (value as number)} required onInput={(e) => onChange(e.currentTarget.valueAsNumber)} />
          {of.unit && <span>{of.unit}</span>}
        </span>,
      );
    case "choice":
      return frame(
        <select {...shared} value={String(value)} onChange={(e) => onChange(of.choices.find((c) => String(c.value) === e.currentTarget.value)?.value)}>
          {of.choices.map((c) => <option key={c.value} value={String(c.value)}>{c.label}</option>)}
        </select>,
      );
    case "lines":
      return frame(<Lines shared={shared} value={(value as string[]) ?? []} onChange={onChange} apart={"\n"} />);
    case "numbers":
      return frame(<Lines shared={shared} value={((value as number[]) ?? []).map(String)} onChange={(v) => onChange(v.map(Number))} apart=", " />);
    case "switch":
      return (
        <div class={"field" + (error ? " wrong" : "")}>
          <label class="check">
            <input {...shared} type="checkbox" checked={Boolean(value)} onChange={(e) => onChange(e.currentTarget.checked)} />
            <span>{label}</span>
          </label>
          {spec.help && <p class="help" id={id + "h"}>{spec.help}</p>}
          {error && <p class="field-error" id={id + "e"} role="alert">{error}</p>}
        </div>
      );
    case "several": {
      const chosen = (value as string[]) ?? [];
      const all = [...of.choices, ...chosen.filter((c) => !of.choices.includes(c))];
      return (
        <fieldset class={"field" + (error ? " wrong" : "")} aria-describedby={about}>
          <legend>{label}</legend>
          {all.map((c) => (
            <label class="check" key={c}>
              <input type="checkbox" name={spec.name} value={c} checked={chosen.includes(c)} onChange={(e) => onChange(e.currentTarget.checked ? all.filter((a) => a === c || chosen.includes(a)) : chosen.filter((a) => a !== c))} />
              <span class="break">{c}</span>
            </label>
          ))}
          {spec.help && <p class="help" id={id + "h"}>{spec.help}</p>}
          {error && <p class="field-error" id={id + "e"} role="alert">{error}</p>}
        </fieldset>
      );
    }
  }
}

// Lines keeps what is being typed as it is, and tells the list that it means.
function Lines(props: { shared: object; value: string[]; onChange: (v: string[]) => void; apart: string }) {
  const [text, setText] = useState(props.value.join(props.apart));
  const read = (s: string) => s.split(props.apart === "\n" ? /\n/ : /[\s,]+/).map((w) => w.trim()).filter((w) => w !== "");
  const shown = same(read(text), props.value) ? text : props.value.join(props.apart);
  const typed = (s: string) => { setText(s); props.onChange(read(s)); };
  if (props.apart === "\n") return <textarea {...props.shared} rows={Math.min(8, Math.max(2, props.value.length + 1))} value={shown} spellcheck={false} onInput={(e) => typed(e.currentTarget.value)} />;
  return <input {...props.shared} value={shown} autocomplete="off" inputMode="numeric" onInput={(e) => typed(e.currentTarget.value)} />;
}
