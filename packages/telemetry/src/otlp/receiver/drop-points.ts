import { FieldReader } from "../relay/field-reader.ts";
import { varintBytes, writeVarint } from "../relay/write-varint.ts";
import { DATA_FIELDS, ENTRIES, METRICS, POINTS, SCOPES } from "./metric-fields.ts";

/** From a request down to a data point: which fields hold the next level. */
const LEVELS: readonly ReadonlySet<number>[] = [
  new Set([ENTRIES]),
  new Set([SCOPES]),
  new Set([METRICS]),
  DATA_FIELDS,
  new Set([POINTS]),
];

/** What is left of a message. */
interface Rest {
  readonly parts: readonly Uint8Array[];
  readonly sizeBytes: number;
  /** It had data points, and has none left. */
  readonly isEmptied: boolean;
}

/**
 * A request without some of its data points. Metrics, scopes and entries that had no others go with them; all other bytes stay as
 * they are and in their order, fields that nobody knows included.
 *
 * @param bytes a sound `ExportMetricsServiceRequest`
 * @param dropped by their place among those of the request
 */
export function dropPoints(bytes: Uint8Array, dropped: readonly number[]): Buffer {
  const isDropped = new Set(dropped);
  let points = 0;
  const { parts, sizeBytes } = restOf(0, 0, bytes.length);
  return Buffer.concat(parts, sizeBytes);

  function restOf(level: number, start: number, end: number): Rest {
    const reader = new FieldReader();
    const rest = new Parts(bytes);
    let had = 0;
    let kept = 0;
    reader.enter(bytes, start, end);
    while (reader.next()) {
      const { fieldStart, valueStart, at } = reader;
      if (!LEVELS[level]!.has(reader.field)) {
        rest.keep(fieldStart, at);
        continue;
      }
      had++;
      if (level === LEVELS.length - 1) {
        if (isDropped.has(points++)) continue;
        rest.keep(fieldStart, at);
      } else {
        const inner = restOf(level + 1, valueStart, at);
        if (inner.isEmptied) continue;
        if (inner.sizeBytes === at - valueStart) rest.keep(fieldStart, at);
        else rest.addMessage(reader.field, inner);
      }
      kept++;
    }
    return { parts: rest.finish(), sizeBytes: rest.sizeBytes, isEmptied: had > 0 && kept === 0 };
  }
}

/** What is kept of a message, as few pieces as can be. */
class Parts {
  sizeBytes = 0;
  readonly #bytes: Uint8Array;
  readonly #parts: Uint8Array[] = [];
  /** Kept last, and not yet among the parts. */
  #start = 0;
  #end = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  keep(start: number, end: number): void {
    if (start !== this.#end) {
      this.finish();
      this.#start = start;
    }
    this.#end = end;
    this.sizeBytes += end - start;
  }

  addMessage(field: number, { parts, sizeBytes }: Rest): void {
    const head = header(field, sizeBytes);
    this.finish().push(head);
    for (const part of parts) this.#parts.push(part);
    this.sizeBytes += head.length + sizeBytes;
  }

  finish(): Uint8Array[] {
    if (this.#end > this.#start) this.#parts.push(this.#bytes.subarray(this.#start, this.#end));
    this.#start = this.#end;
    return this.#parts;
  }
}

/** Tag and length of a field up to 15. */
function header(field: number, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(1 + varintBytes(sizeBytes));
  bytes[0] = (field << 3) | 2;
  writeVarint(sizeBytes, bytes, 1);
  return bytes;
}
