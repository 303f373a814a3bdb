import type { EventScan } from "./event-scan.ts";
import { KIND } from "./scan-value.ts";
import { TextCache } from "./text-cache.ts";

const texts = new TextCache();

/** The value in a slot, as `JSON.parse` gives it. Undefined where there is none. */
export function valueAt(scan: EventScan, slot: number): unknown {
  const { bytes } = scan;
  const start = scan.starts[slot]!;
  const end = scan.ends[slot]!;
  switch (scan.kinds[slot]) {
    case KIND.ASCII:
      return texts.get(bytes, start, end);
    case KIND.UTF8:
      return bytes.toString("utf8", start, end);
    case KIND.ESCAPED:
      return JSON.parse(bytes.toString("utf8", start - 1, end + 1));
    case KIND.NUMBER:
      return scan.numbers[slot];
    case KIND.TRUE:
      return true;
    case KIND.FALSE:
      return false;
    case KIND.NULL:
      return null;
    case KIND.NESTED:
      return JSON.parse(bytes.toString("utf8", start, end));
    default:
      return undefined;
  }
}

/** The text in a slot; "" where there is something else. */
export function textAt(scan: EventScan, slot: number): string {
  const value = valueAt(scan, slot);
  return typeof value === "string" ? value : "";
}

/** The name of the field in a slot of the data. */
export function nameAt(scan: EventScan, slot: number): string {
  const index = scan.nameIndices[slot]!;
  if (index !== -1) return scan.names.nameAt(index);
  return JSON.parse(scan.bytes.toString("utf8", scan.nameStarts[slot], scan.nameEnds[slot]));
}
