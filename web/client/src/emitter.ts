// Events to whom they concern.

export class Emitter<Events extends { [E in keyof Events]: unknown }> {
  readonly #listeners = new Map<keyof Events, Set<(value: never) => void>>();

  /** Calls fn at each event of a kind, in order. What it returns ends that. */
  on<E extends keyof Events>(event: E, fn: (value: Events[E]) => void): () => void {
    let set = this.#listeners.get(event);
    if (!set) this.#listeners.set(event, (set = new Set()));
    const own = (value: Events[E]) => fn(value);
    set.add(own);
    return () => set.delete(own);
  }

  /** What a listener throws is reported as uncaught and harms nobody else. */
  protected emit<E extends keyof Events>(event: E, value: Events[E]): void {
    for (const fn of [...(this.#listeners.get(event) ?? [])]) {
      try {
        (fn as (value: Events[E]) => void)(value);
      } catch (error) {
        setTimeout(() => {
          throw error;
        });
      }
    }
  }
}
