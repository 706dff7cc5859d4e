import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export interface Loaded<T> {
  data?: T;
  error?: unknown;
  reload: () => void;
}

// useLoad loads what the key names, again when the key changes, and every so
// many milliseconds while the page is seen. What was loaded stays until there is
// something newer, also while an error is shown beside it.
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>, every = 0): Loaded<T> {
  const [state, set] = useState<{ key: string; data?: T; error?: unknown }>({ key });
  const [turn, next] = useState(0);
  const latest = useRef(load);
  latest.current = load;

  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async () => {
      try {
        if (!document.hidden || turn === 0) {
          const data = await latest.current(stop.signal);
          if (!stop.signal.aborted) set({ key, data });
        }
      } catch (error) {
        if (!stop.signal.aborted) set((s) => (s.key === key && s.data !== undefined ? { key, data: s.data, error } : { key, error }));
      }
      if (every > 0 && !stop.signal.aborted) timer = setTimeout(run, every);
    };
    void run();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [key, turn, every]);

  const reload = useCallback(() => next((n) => n + 1), []);
  return state.key === key ? { ...state, reload } : { reload };
}
