import type { ComponentChildren } from "preact";
import { useEffect, useErrorBoundary, useState } from "preact/hooks";
import { languages, type Language } from "../../shared/language";
import { useLoad } from "../../shared/load";
import { go, usePlace } from "../../shared/router";
import { get, home, page } from "./api";
import { Empty, Fault, View } from "./parts";
import type { App, Status } from "./types";
import { EndpointView } from "./views/endpoint";
import { EndpointsView } from "./views/endpoints";
import { EventView } from "./views/event";
import { EventsView } from "./views/events";
import { GroupView } from "./views/group";
import { GroupsView } from "./views/groups";
import { KeysView } from "./views/keys";
import { OverviewView } from "./views/overview";
import { SettingsView } from "./views/settings";
import { UserView } from "./views/user";
import { UsersView } from "./views/users";
import { WordsView } from "./views/words";
import { language, speak, t } from "./words";

// Console is the frame of all views: what is always there, and the view that
// the address names.
export function Console() {
  const place = usePlace();
  const [, setSpoken] = useState<Language>(language);
  const apps = useLoad("apps", (s) => get<{ Apps: App[] | null }>("/apps", s), 5000);
  const status = useLoad("status", (s) => get<Status>("/status", s), 5000);

  // A new view begins at its top, and a screen reader with its heading.
  useEffect(() => {
    scrollTo(0, 0);
    if (place.path !== home) document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  }, [place.path]);

  const parts = place.path.slice(home.length).split("/").filter(Boolean).map(decoded);
  const id = parts[0] === "apps" ? parts[1] : undefined;
  const list = apps.data?.Apps ?? [];

  const change = (tag: Language) => {
    speak(tag);
    setSpoken(tag);
  };

  return (
    <>
      <a class="skip" href="#main">{t.skip}</a>
      <header>
        <div class="bar">
          <a class="brand" href={home}>Parley</a>
          {id && (
            <select class="app-choice" aria-label={t.app} value={id} onChange={(e) => go(page(e.currentTarget.value, parts[2] ?? "events"))}>
              {!list.some((a) => String(a.SDKAppID) === id) && <option value={id}>{id}</option>}
              {list.map((a) => <option key={a.SDKAppID} value={String(a.SDKAppID)}>{a.SDKAppID}</option>)}
            </select>
          )}
          <select class="language" aria-label={t.language} value={language} onChange={(e) => change(e.currentTarget.value as Language)}>
            {languages.map((l) => <option key={l.tag} value={l.tag} lang={l.tag}>{l.name}</option>)}
          </select>
          <form method="post" action="/admin/logout"><button>{t.logOut}</button></form>
        </div>
        {id && <Tabs id={id} current={parts[2] ?? ""} />}
      </header>
      <main id="main" tabIndex={-1}>
        {status.data && !status.data.Ready && (
          <p class="banner" role="alert"><b>{t.notReady}</b> <span>{status.data.Fault}</span></p>
        )}
        {status.data?.Trouble && <p class="banner" role="alert"><b>{t.troubled}</b> <span>{status.data.Trouble}</span></p>}
        <Fault error={status.error} retry={status.reload} />
        <Caught key={place.path}><Body parts={parts} id={id} apps={apps} query={place.query} /></Caught>
      </main>
      <footer class="dim">
        <span>Parley {status.data?.Version}</span>
        <a href="/metrics" target="_blank" rel="noreferrer">{t.metrics}</a>
        <a href="/debug/pprof/" target="_blank" rel="noreferrer">{t.profiles}</a>
        <a href="/admin/assets/licenses.txt" target="_blank" rel="noreferrer">{t.licenses}</a>
      </footer>
    </>
  );
}

// decoded takes a part of an address as it stands when it was typed wrong.
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

// Caught shows a fault of a view in its place. The frame, and the other views,
// go on.
function Caught(props: { children: ComponentChildren }) {
  const [error, reset] = useErrorBoundary((e) => console.error(e));
  if (error === undefined) return <>{props.children}</>;
  return <View title={t.errors.view}><Fault error={error} retry={reset} /></View>;
}

function Tabs(props: { id: string; current: string }) {
  const tabs: [string, string][] = [
    ["events", t.tabs.events], ["users", t.tabs.users], ["groups", t.tabs.groups], ["endpoints", t.tabs.endpoints],
    ["words", t.tabs.words], ["settings", t.tabs.settings], ["keys", t.tabs.keys],
  ];
  return (
    <nav class="tabs" aria-label={t.appPages(props.id)}>
      {tabs.map(([name, label]) => (
        <a key={name} href={page(props.id, name)} aria-current={props.current === name ? "page" : undefined}>{label}</a>
      ))}
    </nav>
  );
}

export type Apps = ReturnType<typeof useLoad<{ Apps: App[] | null }>>;

function Body(props: { parts: string[]; id: string | undefined; apps: Apps; query: URLSearchParams }) {
  const { parts, id, apps, query } = props;
  if (parts.length === 0) return <OverviewView apps={apps} />;
  if (id !== undefined) {
    const [, , tab = "", name, more] = parts;
    const key = parts.join("/");
    if (more === undefined) {
      switch (tab) {
        case "events": return name === undefined ? <EventsView key={id} id={id} query={query} /> : <EventView key={key} id={id} event={name} />;
        case "users": return name === undefined ? <UsersView key={id} id={id} /> : <UserView key={key} id={id} user={name} />;
        case "groups": return name === undefined ? <GroupsView key={id} id={id} query={query} /> : <GroupView key={key} id={id} group={name} />;
        case "endpoints": return name === undefined ? <EndpointsView key={id} id={id} /> : <EndpointView key={key} id={id} endpoint={name} />;
        case "words": if (name === undefined) return <WordsView key={id} id={id} />; break;
        case "settings": if (name === undefined) return <SettingsView key={id} id={id} apps={apps} />; break;
        case "keys": if (name === undefined) return <KeysView key={id} id={id} apps={apps} />; break;
        case "": return <EventsView key={id} id={id} query={query} />;
      }
    }
  }
  return <View title={t.notFound}><Empty><a href={home}>{t.toOverview}</a></Empty></View>;
}
