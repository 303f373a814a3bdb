const NEWLINE = 0x0a;
const EVENT_START = '{"id":"evt_';
const EVENT_ID = /^\{"id":"(evt_[0-9a-f-]{36})"/;

/** What to do with a file before a batch is appended to it. */
export interface FileEnd {
  /** Bytes of `end` that stay. */
  readonly keep: number;
  /** The last line has no end and is not ours: it gets one, so that ours is not glued to it. */
  readonly needsNewline: boolean;
}

/**
 * Finds what is left of an attempt that was cut short before it was committed: the same events are given again now, from the first
 * one on. A line is ours to take away only where it is, byte for byte, one of these (event ids are unique), or where only such
 * lines stand before it and it is an event that is younger still, as when the first attempt was a larger one. What anybody else
 * wrote stays.
 *
 * @param end the last bytes of the file
 * @param isWhole `end` begins at a line's beginning
 * @param payloads what is about to be appended, without newlines
 * @param isOurs see `JsonlFile.doubt`; without it nothing is taken away that is not in `payloads`
 */
export function findRepeated(
  end: Buffer,
  isWhole: boolean,
  payloads: readonly Buffer[],
  isOurs: boolean,
): FileEnd {
  const known = new Set(payloads.map((payload) => payload.toString("latin1")));
  const newest = idOf(payloads.at(-1)?.toString("latin1") ?? "");
  let keep: number | undefined;
  let start = isWhole ? 0 : end.indexOf(NEWLINE) + 1;
  for (let stop = end.indexOf(NEWLINE, start); stop !== -1; stop = end.indexOf(NEWLINE, start)) {
    const line = end.toString("latin1", start, stop);
    if (known.has(line)) keep ??= start;
    else if (!isOurs || idOf(line) <= newest) keep = undefined;
    start = stop + 1;
  }
  const torn = end.subarray(start);
  if (torn.length > 0) {
    const isRepeated = payloads.some((payload) => payload.subarray(0, torn.length).equals(torn));
    if (!isRepeated && !(isOurs && isTornEvent(torn))) return { keep: end.length, needsNewline: true };
    keep ??= start;
  }
  return { keep: keep ?? end.length, needsNewline: false };
}

/** "" for a line that is no event. */
function idOf(line: string): string {
  return EVENT_ID.exec(line)?.[1] ?? "";
}

function isTornEvent(torn: Buffer): boolean {
  const text = torn.toString("utf8");
  if (!text.startsWith(EVENT_START.slice(0, text.length))) return false;
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    if (error instanceof SyntaxError) return true;
    throw error;
  }
}
