import { hash } from "node:crypto";

/** A trace's id for what came without one: the same for the same parts. */
export function derivedTraceId(...parts: readonly string[]): string {
  return hash("sha256", JSON.stringify(parts)).slice(0, 32);
}

/** As {@link derivedTraceId}, of a span. */
export function derivedSpanId(...parts: readonly string[]): string {
  return hash("sha256", JSON.stringify(parts)).slice(0, 16);
}
