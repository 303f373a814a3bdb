/** Milliseconds with microsecond precision, as every duration of the record is given. */
export function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** From a `performance.now()` of before until now. */
export function msSince(started: number): number {
  return roundMs(performance.now() - started);
}
