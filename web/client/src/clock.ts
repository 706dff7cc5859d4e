// Time, as something that tests can hold in their hands.

export interface Clock {
  /** Milliseconds that never fall, from an unknown start; may stand still while the machine sleeps. */
  mono(): number;
  /** Unix milliseconds, which may be set by anybody. */
  wall(): number;
  /** Calls fn after ms; what it returns prevents that. */
  after(ms: number, fn: () => void): () => void;
  /** From 0 to less than 1. */
  random(): number;
}

export const realClock: Clock = {
  mono: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, fn) => {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};

/** backoff doubles from `first` up to `most` milliseconds; a quarter of it is chance. */
export function backoff(clock: Clock, tries: number, first: number, most: number): number {
  return Math.min(most, first * 2 ** Math.min(tries, 20)) * (0.75 + clock.random() / 4);
}
