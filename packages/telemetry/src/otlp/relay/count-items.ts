import type { Signal } from "../model.ts";
import { LEN, tag } from "../wire.ts";
import { FieldReader } from "./field-reader.ts";

// ScopeSpans, ScopeLogs and ScopeMetrics
const SCOPE = 1;
const ITEMS = 2;
const SCHEMA_URL = 3;
const ITEM_TAG = tag(ITEMS, LEN);
// Gauge, Sum, Histogram, ExponentialHistogram and Summary
const DATA_POINTS = 1;
/** Fields of `Metric` that hold those. */
const DATA_FIELDS: ReadonlySet<number> = new Set([5, 7, 9, 10, 11]);

/**
 * Counts what is sent: spans, log records, or data points of metrics, as OTLP counts them in a partial success. Of a span only the
 * length is looked at.
 */
export class ItemCounter {
  /** As of {@link FieldReader}, of the last count that is -1. */
  problem = "";
  problemAt = 0;
  readonly #scope = new FieldReader();
  readonly #metric = new FieldReader();
  readonly #data = new FieldReader();

  /** Lets go of the bytes. */
  leave(): void {
    this.#scope.leave();
    this.#metric.leave();
    this.#data.leave();
  }

  /** Of the `ScopeSpans`, `ScopeLogs` or `ScopeMetrics` in `bytes[start, end)`. -1 where it is malformed. */
  count(signal: Signal, bytes: Uint8Array, start: number, end: number): number {
    const reader = this.#scope;
    const isMetrics = signal === "metrics";
    let items = 0;
    reader.enter(bytes, start, end);
    for (;;) {
      if (!isMetrics) items += skipItems(bytes, reader);
      if (!reader.next()) break;
      if (reader.field < SCOPE || reader.field > SCHEMA_URL) continue;
      if (!reader.expect(LEN)) break;
      if (reader.field !== ITEMS) continue;
      const found = isMetrics ? this.#countPoints(bytes, reader.valueStart, reader.at) : 1;
      if (found < 0) return -1;
      items += found;
    }
    return this.#isSound(reader) ? items : -1;
  }

  /** Of a `Metric`. */
  #countPoints(bytes: Uint8Array, start: number, end: number): number {
    const reader = this.#metric;
    const data = this.#data;
    let points = 0;
    reader.enter(bytes, start, end);
    while (reader.next()) {
      if (!DATA_FIELDS.has(reader.field)) continue;
      if (!reader.expect(LEN)) break;
      data.enter(bytes, reader.valueStart, reader.at);
      while (data.next()) {
        if (data.field !== DATA_POINTS) continue;
        if (!data.expect(LEN)) break;
        points++;
      }
      if (!this.#isSound(data)) return -1;
    }
    return this.#isSound(reader) ? points : -1;
  }

  #isSound(reader: FieldReader): boolean {
    if (reader.problem === undefined) return true;
    this.problem = reader.problem;
    this.problemAt = reader.problemAt;
    return false;
  }
}

/**
 * Steps over items as nearly all are written, one behind the other with a tag of one byte and a length of one to three, and
 * leaves the rest to the reader. This loop is what the relay spends its time in, besides copying.
 *
 * @returns how many there were
 */
function skipItems(bytes: Uint8Array, reader: FieldReader): number {
  const { end } = reader;
  let at = reader.at;
  let items = 0;
  // Whatever an item's header is, it ends within the message.
  while (at + 4 <= end && bytes[at] === ITEM_TAG) {
    let length = bytes[at + 1]!;
    let next = at + 2;
    if (length >= 0x80) {
      const second = bytes[next++]!;
      length = (length & 0x7f) | ((second & 0x7f) << 7);
      if (second >= 0x80) {
        const third = bytes[next++]!;
        if (third >= 0x80) break;
        length |= third << 14;
      }
    }
    if (length > end - next) break;
    at = next + length;
    items++;
  }
  reader.at = at;
  return items;
}
