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
 * what was given, or something newer, was saved, or when that failed; it waits for
 * two saves at most, however many values come meanwhile.
 */
export class Saver {
  readonly #storage: Storage;
  readonly #key: string;
  readonly #failed: (error: Error) => void;
  #newest = "";
  // The save that is under way, and the one after it, which has not begun.
  #running?: Promise<void>;
  #next?: Promise<void>;

  constructor(storage: Storage, key: string, failed: (error: Error) => void) {
    this.#storage = storage;
    this.#key = key;
    this.#failed = failed;
  }

  /** The storage is called before this returns, if no save is under way. */
  save(value: string): Promise<void> {
    this.#newest = value;
    if (!this.#running) return this.#begin();
    // What is under way has an older value.
    return (this.#next ??= this.#running.then(() => this.#begin()));
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    // Where there is a next one it has its turn from here, and nobody begins before it.
    return (this.#running = this.#turn().then(() => {
      if (!this.#next) this.#running = undefined;
    }));
  }

  async #turn(): Promise<void> {
    try {
      await this.#storage.save(this.#key, this.#newest);
    } catch (e) {
      this.#failed(e instanceof Error ? e : new Error(String(e)));
    }
  }
}
