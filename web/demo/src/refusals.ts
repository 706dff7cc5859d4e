// The refusals that were made in this window, so that their exceptions are known
// when they arrive at the monitor.

const made = new Set<string>();
const arrived = new Set<string>();
const listeners = new Set<() => void>();

export function refusedHere(eventId: string | undefined): void {
  if (!eventId) return;
  made.add(eventId);
  tell();
}

export function arrivedThere(eventIds: string[]): void {
  for (const id of eventIds) arrived.add(id);
  if (eventIds.length > 0) tell();
}

export const isOurs = (eventId: string) => made.has(eventId);
export const hasArrived = (eventId: string) => arrived.has(eventId);

export function watchRefusals(draw: () => void): () => void {
  listeners.add(draw);
  return () => listeners.delete(draw);
}

function tell(): void {
  for (const draw of listeners) draw();
}
