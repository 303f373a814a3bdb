import { type EventScan, LEADS, SLOT } from "../scan/event-scan.ts";

const ID_AT = LEADS[SLOT.ID]!.length + 1;
const SEQ_LEAD = Buffer.concat([Buffer.from('"'), LEADS[SLOT.SEQ]!]);
const TIMESTAMP_LEAD_BYTES = LEADS[SLOT.TIMESTAMP]!.length + 1;
const CLOSE_BRACE = 0x7d;
const COMMA = 0x2c;
/** Longer ones are for the scan. */
const MAX_SEQ_DIGITS = 16;
/** Those that a host says most. */
const MAX_TYPES = 8;

interface Verdict {
  /** From the quote before it to the comma behind it, as it stands in an event: `","type":"exec.completed",`. */
  readonly type: Buffer;
  readonly isWanted: boolean;
}

/**
 * What was decided of types of events, found again by their bytes without a look at what stands before them: ids and timestamps are as
 * long as in the event before. In JSON a quote within a text has a backslash before it, so what is found is no part of one.
 */
export class TypeVerdicts {
  readonly #verdicts: Verdict[] = [];
  #idBytes = 0;
  #timestampBytes = 0;

  /** Undefined where nothing is known of the event's type, or it is not written as the one before. */
  find(bytes: Buffer, start: number, end: number): boolean | undefined {
    if (bytes[end - 1] !== CLOSE_BRACE || bytes[end - 2] !== CLOSE_BRACE) return undefined;
    let at = start + ID_AT + this.#idBytes;
    if (!isAt(SEQ_LEAD, bytes, at)) return undefined;
    at += SEQ_LEAD.length;
    const limit = at + MAX_SEQ_DIGITS;
    while (bytes[at] !== COMMA) if (++at > limit) return undefined;
    at += TIMESTAMP_LEAD_BYTES + this.#timestampBytes;
    for (const { type, isWanted } of this.#verdicts) if (isAt(type, bytes, at)) return isWanted;
    return undefined;
  }

  /** @param scan of an event whose own fields up to its type were found */
  learn({ bytes, starts, ends }: EventScan, isWanted: boolean): void {
    this.#idBytes = ends[SLOT.ID]! - starts[SLOT.ID]!;
    this.#timestampBytes = ends[SLOT.TIMESTAMP]! - starts[SLOT.TIMESTAMP]!;
    const type = Buffer.from(bytes.subarray(ends[SLOT.TIMESTAMP]!, ends[SLOT.TYPE]! + 2));
    if (this.#verdicts.some((known) => known.type.equals(type))) return;
    if (this.#verdicts.length === MAX_TYPES) this.#verdicts.pop();
    this.#verdicts.unshift({ type, isWanted });
  }
}

function isAt(expected: Buffer, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < expected.length; index++) {
    if (bytes[start + index] !== expected[index]) return false;
  }
  return true;
}
