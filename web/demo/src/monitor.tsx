import { useEffect, useState } from "preact/hooks";
import { explainCode } from "../../shared/codes";
import { clock, utc } from "../../shared/time";
import { exceptions, type Exception, type Hello } from "./api";
import { useWatched } from "./hooks";
import { arrivedThere, isOurs, watchRefusals } from "./refusals";
import { language, t } from "./words";

const every = 1000; // between two looks, while the page is seen
const soon = 150; // after a refusal: its callback is under way
const most = 100; // that are shown

// The crowd sends over REST as the app's admin; the page's users by connections
// of their own.
const byCrowd = (e: Exception) => e.Operator_Account === "administrator";

// MonitorPanel shows what the monitor received, the newest first.
export function MonitorPanel(props: { hello: Hello }) {
  const [all, setAll] = useState<{ ours: Exception[]; crowd: Exception[] }>({ ours: [], crowd: [] });
  const [failed, setFailed] = useState(false);
  const [crowd, setCrowd] = useState(false);
  const [open, setOpen] = useState(true);
  useWatched(watchRefusals, 0);

  useEffect(() => {
    let cursor = "";
    let timer: ReturnType<typeof setTimeout> | undefined;
    let busy = false;
    let wanted = false;
    let hurried = false;
    let ended = false;
    const look = async () => {
      clearTimeout(timer);
      if (busy) {
        wanted = true;
        return;
      }
      busy = true;
      hurried = false;
      let more = false;
      try {
        if (!document.hidden) {
          const page = await exceptions(cursor);
          if (ended) return;
          cursor = page.cursor;
          more = page.more;
          setFailed(false);
          if (page.list.length > 0) {
            const newest = page.list.reverse();
            setAll((a) => ({
              ours: [...newest.filter((e) => !byCrowd(e)), ...a.ours].slice(0, most),
              crowd: [...newest.filter(byCrowd), ...a.crowd].slice(0, most),
            }));
            arrivedThere(newest.filter((e) => !byCrowd(e)).map((e) => e.EventId));
          }
        }
      } catch {
        if (!ended) setFailed(true);
      } finally {
        busy = false;
        if (!ended) timer = setTimeout(look, more ? 0 : wanted ? soon : every);
        wanted = false;
      }
    };
    // Many refusals in a row make one look.
    const hurry = () => {
      if (busy) wanted = true;
      else if (!hurried) {
        hurried = true;
        clearTimeout(timer);
        timer = setTimeout(look, soon);
      }
    };
    const end = watchRefusals(hurry);
    const shown = () => {
      if (!document.hidden) void look();
    };
    document.addEventListener("visibilitychange", shown);
    void look();
    return () => {
      ended = true;
      clearTimeout(timer);
      end();
      document.removeEventListener("visibilitychange", shown);
    };
  }, []);

  const list = crowd ? [...all.ours, ...all.crowd].sort((a, b) => b.ReceivedAt - a.ReceivedAt).slice(0, most) : all.ours;
  return (
    <section class={"panel received" + (open ? "" : " collapsed")} aria-label={t.monitorTitle}>
      <div class="panel-head">
        <h2>{t.monitorTitle}</h2>
        <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? t.hideMonitor : t.showMonitor}</button>
      </div>
      <div class="body">
        <p class="dim lead">{t.monitorLead}</p>
        <label class="inline"><input type="checkbox" checked={crowd} onChange={(e) => setCrowd(e.currentTarget.checked)} /> {t.crowdToo}</label>
        {failed && <p class="banner" role="alert">{t.monitorFault}</p>}
        {list.length === 0 && <p class="empty">{t.monitorNone}</p>}
        <ol class="exceptions" aria-live="polite" aria-relevant="additions" aria-label={t.monitorTitle} tabIndex={0}>
          {list.map((e) => (
            <li key={e.EventId} class={isOurs(e.EventId) ? "ours" : ""} data-event={e.EventId}>
              <p class="head"><b>{e.ErrorCode}</b> {explainCode(e.ErrorCode, language)?.what ?? e.ErrorInfo}</p>
              <p class="dim">{t.in(e.From_Account, e.GroupId)} · <time dateTime={new Date(e.ReceivedAt).toISOString()} title={utc(e.ReceivedAt)}>{clock(e.ReceivedAt)}</time>
                {" · "}<a href={eventLink(props.hello, e)} target="_blank" rel="noreferrer" title={e.EventId}>{t.event} {e.EventId.slice(-6)}</a>
                {isOurs(e.EventId) && <> <span class="badge good">{t.fromHere}</span></>}</p>
            </li>
          ))}
        </ol>
        <small><a href="/licenses.txt" target="_blank" rel="noreferrer">{t.licenses}</a></small>
      </div>
    </section>
  );
}

// The crowd's app is another one, whose pages the console opens at the monitor's.
function eventLink(hello: Hello, e: Exception): string {
  return byCrowd(e) ? hello.Monitor : `${hello.Console}apps/${hello.SDKAppID}/events/${e.EventId}`;
}
