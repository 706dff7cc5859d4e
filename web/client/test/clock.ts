import type { Clock } from "../src/clock.ts";

/** A clock that stands until it is moved. */
export class TestClock implements Clock {
  #mono = 1000;
  #wall = 1_800_000_000_000;
  #timers: { at: number; fn: () => void }[] = [];
  readonly #random: () => number;

  constructor(random: () => number = () => 0.5) {
    this.#random = random;
  }

  mono(): number {
    return this.#mono;
  }
  wall(): number {
    return this.#wall;
  }
  random(): number {
    return this.#random();
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.#mono + ms, fn };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer);
    };
  }

  /** Sets the wall clock by so many milliseconds; nobody's time passes. */
  set(ms: number): void {
    this.#wall += ms;
  }

  /** Lets time pass, and after each timer everything that follows from it. */
  async pass(ms: number): Promise<void> {
    await settled();
    const end = this.#mono + ms;
    for (;;) {
      const next = this.#timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((t) => t !== next);
      this.#wall += Math.max(0, next.at - this.#mono);
      this.#mono = Math.max(this.#mono, next.at);
      next.fn();
      await settled();
    }
    this.#wall += end - this.#mono;
    this.#mono = end;
  }
}

/** Resolves when promises that follow from one another have run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
