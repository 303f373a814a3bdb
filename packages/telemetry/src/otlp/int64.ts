import type { Int64 } from "./model.ts";

const TWO_32 = 0x1_0000_0000;
const BILLION = 1_000_000_000;
const ZERO = 48;

/** The two halves of a 64-bit integer, each unsigned. A negative one is in two's complement. */
export interface Halves {
  high: number;
  low: number;
}

/**
 * Splits a 64-bit integer without rounding. Decimal text (what nanoseconds are) is read digit by digit: a `BigInt` for each time
 * would be most of the cost of a span.
 */
export function halvesOf(value: Int64): Halves {
  if (typeof value === "number") {
    const high = Math.floor(value / TWO_32);
    return { high: high >>> 0, low: (value - high * TWO_32) >>> 0 };
  }
  if (value.charCodeAt(0) === 45 /* - */) {
    const bits = BigInt.asUintN(64, BigInt(value));
    return { high: Number(bits >> 32n), low: Number(bits & 0xffff_ffffn) };
  }
  return splitDecimal(value);
}

/** Digits only, below 2^64. */
function splitDecimal(digits: string): Halves {
  const border = Math.max(0, digits.length - 9);
  let billions = 0;
  for (let index = 0; index < border; index++) billions = billions * 10 + digits.charCodeAt(index) - ZERO;
  let rest = 0;
  for (let index = border; index < digits.length; index++) rest = rest * 10 + digits.charCodeAt(index) - ZERO;
  // billions * 10^9 + rest by halves of `billions`, so that no product leaves the 53 bits that are exact.
  const upper = Math.floor(billions / 65536);
  const lowerProduct = (billions - upper * 65536) * BILLION + rest;
  const upperProduct = upper * BILLION;
  const upperHigh = Math.floor(upperProduct / 65536);
  const low = (upperProduct - upperHigh * 65536) * 65536 + lowerProduct;
  return { high: (upperHigh + Math.floor(low / TWO_32)) >>> 0, low: low % TWO_32 };
}

/** The decimal text of an unsigned 64-bit integer. */
export function uint64Text(high: number, low: number): string {
  const value = high * TWO_32 + low;
  return Number.isSafeInteger(value) ? String(value) : String((BigInt(high) << 32n) | BigInt(low));
}

/** The decimal text of a signed 64-bit integer in two's complement. */
export function int64Text(high: number, low: number): string {
  if (high < 0x8000_0000) return uint64Text(high, low);
  return String(BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)));
}

const MAX_UINT64 = 2n ** 64n - 1n;
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

/**
 * A 64-bit integer as it came in JSON, a number or decimal text, as canonical decimal text. Undefined for what is none, or does not
 * fit.
 */
export function parseInt64(value: unknown, isSigned: boolean): string | undefined {
  if (typeof value === "number") return parseNumber(value, isSigned);
  if (typeof value !== "string" || !/^-?\d{1,20}$/.test(value)) return undefined;
  const integer = BigInt(value);
  const fits = isSigned
    ? integer >= MIN_INT64 && integer <= MAX_INT64
    : integer >= 0n && integer <= MAX_UINT64;
  return fits ? String(integer) : undefined;
}

function parseNumber(value: number, isSigned: boolean): string | undefined {
  return Number.isInteger(value) ? parseInt64(String(BigInt(value)), isSigned) : undefined;
}
