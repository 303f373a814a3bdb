import type { RuntimeEvent } from "@sandglass/protocol";

/** An event on its way into the tables, with the numbers of what it names. */
export interface StoredEvent {
  event: RuntimeEvent;
  position: number;
  /** Unix microseconds. */
  time: number;
  org: number;
  /** Undefined where it is about none. */
  run: number | undefined;
  sandbox: number | undefined;
}

/** Unix microseconds of an ISO 8601 time, which may have more than milliseconds. */
export function microsOf(timestamp: string): number {
  const micros = /\.\d{3}(\d{1,3})/.exec(timestamp)?.[1];
  return Date.parse(timestamp) * 1000 + (micros === undefined ? 0 : Number(micros.padEnd(3, "0")));
}

/** The ISO 8601 time of Unix microseconds. */
export function timestampOf(micros: number): string {
  const date = new Date(Math.floor(micros / 1000)).toISOString();
  return `${date.slice(0, -1)}${String(micros % 1000).padStart(3, "0")}Z`;
}

/** US dollars as whole nano-dollars. */
export function nanosOf(dollars: number): number {
  return Math.round(dollars * 1e9);
}

export function dollarsOf(nanos: number): number {
  return nanos / 1e9;
}
