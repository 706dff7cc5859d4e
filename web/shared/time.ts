// Times for people. All arguments are Unix milliseconds unless they say seconds.

const two = (n: number) => String(n).padStart(2, "0");

// local is a time in the viewer's zone, to the second.
export function local(ms: number): string {
  const d = new Date(ms);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

// clock is local, without the date for a time of today.
export function clock(ms: number, now = Date.now()): string {
  const [day, time] = local(ms).split(" ") as [string, string];
  return local(now).startsWith(day) ? time : `${day} ${time}`;
}

// utc is the same instant in UTC, to the millisecond.
export function utc(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace("Z", " UTC");
}

// forInput and fromInput go with <input type="datetime-local">.
export function forInput(ms: number): string {
  return ms ? local(ms).replace(" ", "T").slice(0, 16) : "";
}

export function fromInput(value: string): number {
  const ms = value === "" ? NaN : new Date(value).getTime();
  return Number.isFinite(ms) ? ms : 0;
}

// duration is a length of time in its two greatest units: "3 d 4 h".
export function duration(seconds: number): string {
  const units: [string, number][] = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  let rest = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [name, size] of units) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0) parts.push(`${n} ${name}`);
    if (parts.length === 2 || (parts.length === 1 && n === 0)) break;
  }
  return parts.join(" ") || "0 s";
}

export function ago(ms: number, now = Date.now()): string {
  return duration((now - ms) / 1000);
}
