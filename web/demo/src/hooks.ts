import { useEffect, useReducer, useState } from "preact/hooks";

/** useWatched draws again whenever `watch` tells. */
export function useWatched(watch: (draw: () => void) => () => void, key: unknown): void {
  const [, draw] = useReducer((n: number, _: void) => n + 1, 0);
  useEffect(() => {
    draw();
    return watch(() => draw());
  }, [key]);
}

/** useNow is the time in milliseconds, once a second while it is needed. */
export function useNow(needed: boolean): number {
  const [now, set] = useState(Date.now);
  useEffect(() => {
    set(Date.now()); // also at the end: the last second may have been missed
    if (!needed) return;
    const timer = setInterval(() => set(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [needed]);
  return now;
}

/** useBefore is true until a time in Unix milliseconds. */
export function useBefore(end: number): boolean {
  const [before, set] = useState(() => Date.now() < end);
  useEffect(() => {
    const left = end - Date.now();
    set(left > 0);
    if (left <= 0) return;
    const timer = setTimeout(() => set(false), left);
    return () => clearTimeout(timer);
  }, [end]);
  return before;
}
