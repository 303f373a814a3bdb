/** How far the monotonic estimate may stray from the wall clock before it is anchored anew, in milliseconds. */
const TOLERANCE_MS = 2;
/** A wall clock that jumps back by more than this was set on purpose: followed, not smoothed over. */
const STEP_BACK_US = 1_000_000;
/** The widest instant `Date` can express, in milliseconds either side of 1970. */
const DATE_LIMIT_MS = 8.64e15;

let offsetMs = performance.timeOrigin;
let lastUs = Number.NEGATIVE_INFINITY;
let cachedSecond = Number.NaN;
let cachedPrefix = "";

/**
 * Now, in microseconds since 1970: the monotonic clock's resolution on the wall clock's time.
 *
 * `performance.timeOrigin` is fixed at the start of the process, so the estimate drifts from a wall clock that is
 * slewed or stepped; `Date.now()` corrects it. Does not go backwards, except where the wall clock is set back
 * by more than a second.
 */
export function microTime(): number {
  const wallMs = Date.now();
  let nowMs = performance.now() + offsetMs;
  // Date.now() is cut to the millisecond: the truth lies in [wallMs, wallMs + 1).
  if (!(nowMs > wallMs - TOLERANCE_MS && nowMs < wallMs + 1 + TOLERANCE_MS)) {
    offsetMs = wallMs + 0.5 - performance.now();
    nowMs = wallMs + 0.5;
  }
  const nowUs = Math.floor(nowMs * 1000);
  if (nowUs < lastUs && lastUs - nowUs < STEP_BACK_US) return lastUs;
  lastUs = nowUs;
  return nowUs;
}

/**
 * Now as ISO 8601 in UTC with six decimals, e.g. `2026-04-18T14:00:00.123456Z`. Never throws.
 * Sorts as text within a process while the wall clock is steady.
 */
export function microTimestamp(): string {
  return formatMicroTime(microTime());
}

/** Microseconds since 1970 as ISO 8601 with six decimals; what `Date` cannot express reads as its nearest limit. */
export function formatMicroTime(timeUs: number): string {
  const second = Math.floor(timeUs / 1_000_000);
  if (second !== cachedSecond) {
    const ms = Math.min(Math.max(second * 1000, -DATE_LIMIT_MS), DATE_LIMIT_MS);
    cachedPrefix = new Date(Number.isNaN(ms) ? 0 : ms).toISOString().slice(0, -5);
    cachedSecond = second;
  }
  // Clamped: far outside of what Date expresses, doubles no longer tell neighbouring microseconds apart.
  const micros = Math.min(Math.max(Math.floor(timeUs - second * 1_000_000), 0), 999_999);
  return `${cachedPrefix}.${(Number.isNaN(micros) ? 0 : micros).toString().padStart(6, "0")}Z`;
}
