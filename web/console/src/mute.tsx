import { useId, useState } from "preact/hooks";
import { Dialog, Fault, useAction } from "./parts";
import { forever } from "./types";
import { t } from "./words";

// Mute is a button that asks for how long, and calls `action` with seconds.
export function Mute(props: { label?: string; title: string; action: (seconds: number) => Promise<string | void> }) {
  const [open, setOpen] = useState(false);
  const [seconds, setSeconds] = useState(3600);
  const act = useAction();
  const id = useId();
  const lengths: [number, string][] = [
    [600, t.lengths.m10], [3600, t.lengths.h1], [86400, t.lengths.d1], [604800, t.lengths.d7], [forever, t.forever],
  ];
  const submit = async (e: Event) => {
    e.preventDefault();
    if (await act.run(() => props.action(seconds))) setOpen(false);
  };
  return (
    <>
      <button type="button" aria-label={props.label ?? props.title} onClick={() => setOpen(true)}>{props.label ?? t.mute}</button>
      {open && (
        <Dialog title={props.title} onClose={() => setOpen(false)}>
          <form onSubmit={submit}>
            <div class="field">
              <label for={id}>{t.howLong}</label>
              <select id={id} value={String(seconds)} onChange={(e) => setSeconds(Number(e.currentTarget.value))}>
                {lengths.map(([n, label]) => <option key={n} value={String(n)}>{label}</option>)}
              </select>
            </div>
            <Fault error={act.error} />
            <div class="buttons"><button type="button" onClick={() => setOpen(false)}>{t.cancel}</button><button class="primary" disabled={act.busy}>{t.mute}</button></div>
          </form>
        </Dialog>
      )}
    </>
  );
}
