import { useEffect, useState } from "preact/hooks";
import { languages, type Language } from "../../shared/language";
import { usePlace } from "../../shared/router";
import { hello, type Hello } from "./api";
import { Column } from "./column";
import { MonitorPanel } from "./monitor";
import { seatOf, type Side } from "./place";
import { keptTheme, themes, wear, type Theme } from "./theme";
import { language, speak, t } from "./words";

type Tab = Side | "monitor";

// Demo is the frame: who sits where is in the address.
export function Demo() {
  const place = usePlace();
  const [, setSpoken] = useState<Language>(language);
  const [theme, setTheme] = useState<Theme>(keptTheme);
  const [tab, setTab] = useState<Tab>("left");
  const [known, setKnown] = useState<Hello>();
  const [fault, setFault] = useState("");
  const [turn, again] = useState(0);
  // Groups that were made in this window, which the other column may join.
  const [made, setMade] = useState<Hello["Groups"]>([]);

  useEffect(() => {
    setFault("");
    hello().then(setKnown, (e: unknown) => setFault(e instanceof Error ? e.message : String(e)));
  }, [turn]);
  useEffect(() => {
    document.title = t.title;
  }, [language]);

  const tabs: [Tab, string][] = [["left", seatOf(place.query, "left").user], ["right", seatOf(place.query, "right").user], ["monitor", t.received]];
  return (
    <>
      <a class="skip" href="#main">{t.skip}</a>
      <header>
        <div class="bar">
          <h1 class="brand">{t.title}</h1>
          {known && <nav class="links"><a href={known.Monitor} target="_blank" rel="noreferrer">{t.monitorPage}</a> <a href={known.Console} target="_blank" rel="noreferrer">{t.consolePage}</a></nav>}
          <div class="choices">
            <select class="language" aria-label={t.language} value={language} onChange={(e) => { const tag = e.currentTarget.value as Language; speak(tag); setSpoken(tag); }}>
              {languages.map((l) => <option key={l.tag} value={l.tag} lang={l.tag}>{l.name}</option>)}
            </select>
            <select aria-label={t.theme} value={theme} onChange={(e) => { const next = e.currentTarget.value as Theme; wear(next); setTheme(next); }}>
              {themes.map((name) => <option key={name} value={name}>{t.themes[name]}</option>)}
            </select>
          </div>
        </div>
        <nav class="tabs columns-tabs" aria-label={t.columns}>
          {tabs.map(([name, label]) => <button key={name} type="button" aria-pressed={tab === name} onClick={() => setTab(name)}>{label}</button>)}
        </nav>
      </header>
      <main id="main" tabIndex={-1} data-tab={tab}>
        {fault && <p class="banner" role="alert"><span>{t.failed(fault)}</span> <button type="button" onClick={() => again(turn + 1)}>{t.retry}</button></p>}
        {!known && !fault && <p class="dim" role="status">{t.starting}</p>}
        {known && (["left", "right"] as const).map((side) => {
          const seat = seatOf(place.query, side);
          return <Column key={side + seat.user} hello={known} side={side} seat={seat} groups={[...known.Groups, ...made]} onMade={(g) => setMade((all) => [...all, g])} />;
        })}
        {known && <MonitorPanel hello={known} />}
      </main>
    </>
  );
}
