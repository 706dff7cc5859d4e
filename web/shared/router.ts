import { useEffect, useState } from "preact/hooks";

// Addresses are paths under a base. Plain links are enough: a click on one is
// caught and shown without loading the page again.

const moved = new Set<() => void>();

export function go(to: string, replace = false): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  for (const tell of moved) tell();
}

export interface Place {
  path: string;
  query: URLSearchParams;
}

const here = (): Place => ({ path: location.pathname, query: new URLSearchParams(location.search) });

export function usePlace(): Place {
  const [place, set] = useState(here);
  useEffect(() => {
    const tell = () => set(here());
    moved.add(tell);
    addEventListener("popstate", tell);
    return () => {
      moved.delete(tell);
      removeEventListener("popstate", tell);
    };
  }, []);
  return place;
}

// catchLinks shows the links that `ours` accepts without loading them.
export function catchLinks(ours: (path: string) => boolean): void {
  document.addEventListener("click", (e) => {
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    const link = (e.target as Element | null)?.closest?.("a");
    if (!link || link.target || link.origin !== location.origin || !ours(link.pathname)) return;
    e.preventDefault();
    go(link.pathname + link.search);
  });
}

// withQuery is a path with those values that are not empty.
export function withQuery(path: string, values: Record<string, string | number | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== "" && value !== 0) query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}
