import { ORIGIN, type TelemetryPlace } from "./span-table.ts";

/** A clock may be wrong, by chance or on purpose; one that is further ahead than an hour is not believed. */
const MAX_AHEAD_MICROS = 3_600_000_000;
/** Nor does a sandbox tell of what was weeks before: it would put its trace where nobody looks. */
const MAX_BEHIND_MICROS = 7 * 86_400_000_000;

/** Unix microseconds; when it was received where it says nothing, or what cannot be. */
export function believableTime(micros: number, receivedAt: number, origin: TelemetryPlace["origin"]): number {
  const received = Math.round(receivedAt * 1000);
  const isTooOld = origin === ORIGIN.sandbox && micros < received - MAX_BEHIND_MICROS;
  return micros === 0 || isTooOld || micros > received + MAX_AHEAD_MICROS ? received : micros;
}

/** Unix microseconds of nanoseconds that are decimal text; what is none, or lies beyond the year 280,000, is 0. */
export function microsOfNano(nano: string | undefined): number {
  if (nano === undefined || !/^\d{1,20}$/.test(nano)) return 0;
  const micros = Number(BigInt(nano) / 1000n);
  return Number.isSafeInteger(micros) ? micros : 0;
}
