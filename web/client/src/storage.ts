// What outlives a reload.

/** Where a client keeps what must outlive a reload. Not to be shared by two clients that run at once, such as two tabs. */
export interface Storage {
  /** What was saved under a key, or null. */
  load(key: string): string | null | undefined | Promise<string | null | undefined>;
  /** Resolves, or returns, when the value would outlive a reload. */
  save(key: string, value: string): void | Promise<void>;
}

/**
 * Saver saves the newest value of a key, one save at a time. save resolves when
 * what was given, or something newer, was saved, or when that failed.
 */
export class Saver {
  readonly #storage: Storage;
  readonly #key: string;
  readonly #failed: (error: Error) => void;
  #next?: string;
  #running?: Promise<void>;

  constructor(storage: Storage, key: string, failed: (error: Error) => void) {
    this.#storage = storage;
    this.#key = key;
    this.#failed = failed;
  }

  async save(value: string): Promise<void> {
    this.#next = value;
    // A save that is under way has an older value, so one more turn is needed.
    while (this.#next !== undefined || this.#running) {
      const turn = (this.#running ??= this.#turn());
      await turn;
      if (this.#running === turn) this.#running = undefined;
      // What was given may be in the turn that another caller has begun.
      if (this.#next === undefined && !this.#running) return;
    }
  }

  async #turn(): Promise<void> {
    const value = this.#next!;
    this.#next = undefined;
    try {
      await this.#storage.save(this.#key, value);
    } catch (e) {
      this.#failed(e instanceof Error ? e : new Error(String(e)));
    }
  }
}
