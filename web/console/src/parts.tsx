import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { explainCode } from "../../shared/codes";
import { ago, local, utc } from "../../shared/time";
import type { Loaded } from "../../shared/load";
import { explainError } from "./api";
import { language, t } from "./words";

// The parts that all views are made of.

export function View(props: { title: string; lead?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${props.title} · Parley`;
  }, [props.title]);
  return (
    <>
      <div class="title">
        <h1 ref={heading} tabIndex={-1}>{props.title}</h1>
        {props.actions && <div class="actions">{props.actions}</div>}
      </div>
      {props.lead && <p class="lead">{props.lead}</p>}
      {props.children}
    </>
  );
}

export function Panel(props: { title?: string; note?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren; class?: string }) {
  const id = useId();
  return (
    <section class={"panel " + (props.class ?? "")} aria-labelledby={props.title ? id : undefined}>
      {props.title && (
        <div class="panel-head">
          <h2 id={id}>{props.title}</h2>
          {props.actions && <div class="actions">{props.actions}</div>}
        </div>
      )}
      {props.note && <p class="dim">{props.note}</p>}
      {props.children}
    </section>
  );
}

export function Fault(props: { error: unknown; retry?: (() => void) | undefined }) {
  if (props.error === undefined) return null;
  return (
    <div class="banner" role="alert">
      <span>{explainError(props.error)}</span> {props.retry && <button type="button" onClick={props.retry}>{t.again}</button>}
    </div>
  );
}

// Show draws what was loaded, or why it was not.
export function Show<T>(props: { of: Loaded<T>; children: (data: T) => ComponentChildren }) {
  const { data, error, reload } = props.of;
  return (
    <>
      <Fault error={error} retry={reload} />
      {data !== undefined ? props.children(data) : error === undefined && <p class="dim" role="status">{t.loading}</p>}
    </>
  );
}

export function Time(props: { ms: number; ago?: boolean }) {
  if (!props.ms) return <span class="dim">{t.never}</span>;
  return (
    <time dateTime={new Date(props.ms).toISOString()} title={utc(props.ms)}>
      {local(props.ms)}
      {props.ago && <small> {t.ago(ago(props.ms))}</small>}
    </time>
  );
}

export function Facts(props: { children: ComponentChildren }) {
  return <dl class="facts">{props.children}</dl>;
}

export function Fact(props: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

export function Empty(props: { children: ComponentChildren }) {
  return <p class="empty">{props.children}</p>;
}

export function Badge(props: { kind: "good" | "warn" | "bad" | "plain"; children: ComponentChildren }) {
  return <span class={"badge " + props.kind}>{props.children}</span>;
}

export function CodeWords(props: { code: number }) {
  const words = explainCode(props.code, language);
  return <>{words ? words.what : t.code(props.code)}</>;
}

// useAction runs one thing at a time and keeps how it ended.
export function useAction() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(undefined);
  const [done, setDone] = useState("");
  const run = async (what: () => Promise<string | void>) => {
    if (busy) return false;
    setBusy(true);
    setError(undefined);
    setDone("");
    try {
      setDone((await what()) || "");
      return true;
    } catch (e) {
      setError(e);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, done, run };
}

export function Outcome(props: { of: { error: unknown; done: string } }) {
  return (
    <>
      <Fault error={props.of.error} />
      <p class="done" role="status">{props.of.done}</p>
    </>
  );
}

export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const d = dialog.current;
    const before = document.activeElement;
    if (d && !d.open) d.showModal();
    return () => {
      d?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onCancel={(e) => { e.preventDefault(); props.onClose(); }}>
      <h2 id={id}>{props.title}</h2>
      {props.children}
    </dialog>
  );
}

// Confirm is a button that asks before it acts. With `word`, that word has to be
// typed first.
export function Confirm(props: { label: string; title: string; text: ComponentChildren; danger?: boolean; word?: string; action: () => Promise<string | void>; after?: () => void }) {
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const act = useAction();
  const id = useId();
  const close = () => { setOpen(false); setTyped(""); };
  const submit = async (e: Event) => {
    e.preventDefault();
    if (await act.run(props.action)) {
      close();
      props.after?.();
    }
  };
  return (
    <>
      <button type="button" class={props.danger ? "danger" : ""} onClick={() => setOpen(true)}>{props.label}</button>
      {open && (
        <Dialog title={props.title} onClose={close}>
          <form onSubmit={submit}>
            <p>{props.text}</p>
            {props.word && (
              <div class="field">
                <label for={id}>{t.typeToConfirm(props.word)}</label>
                <input id={id} value={typed} autocomplete="off" onInput={(e) => setTyped(e.currentTarget.value)} />
              </div>
            )}
            <Fault error={act.error} />
            <div class="buttons">
              <button type="button" onClick={close}>{t.cancel}</button>
              <button class={props.danger ? "danger" : "primary"} disabled={act.busy || (props.word !== undefined && typed !== props.word)}>{props.label}</button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  );
}

// Secret shows what is told only once.
export function Secret(props: { title: string; note: string; value: string; onClose: () => void }) {
  const [copied, setCopied] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(props.value);
      setCopied(true);
    } catch {
      field.current?.select(); // no clipboard over plain HTTP: the keys still copy
    }
  };
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <p>{props.note}</p>
      <div class="field">
        <label for={id}>{t.shownOnce}</label>
        <input id={id} ref={field} class="code" readOnly value={props.value} onFocus={(e) => e.currentTarget.select()} />
      </div>
      <div class="buttons">
        <button type="button" onClick={copy}>{copied ? t.copied : t.copy}</button>
        <button type="button" class="primary" onClick={props.onClose}>{t.close}</button>
      </div>
    </Dialog>
  );
}

export function Json(props: { value: unknown }) {
  return <pre class="code wrap" tabIndex={0}>{JSON.stringify(props.value, null, 2)}</pre>;
}
