import { formatMicroTime } from "@sandglass/protocol";

/** Microseconds since 1970 of an ISO 8601 time in UTC; `Date` alone would cut it to milliseconds. NaN for anything else. */
export function parseMicroTime(timestamp: string): number {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z$/.exec(timestamp);
  if (!match) return Date.parse(timestamp) * 1000;
  const micros = Number((match[2] ?? "").slice(0, 6).padEnd(6, "0"));
  return Date.parse(`${match[1]}Z`) * 1000 + micros;
}

/** The time `durationMs` before `timestamp`. */
export function timeBefore(timestamp: string, durationMs: number): string {
  return formatMicroTime(parseMicroTime(timestamp) - Math.round(durationMs * 1000));
}

/** Milliseconds from one ISO 8601 time to another, never negative. */
export function elapsedMs(from: string, to: string): number {
  return Math.max(0, parseMicroTime(to) - parseMicroTime(from)) / 1000;
}
