import { attributeHash } from "@sandglass/telemetry/reading";
import type { Statements } from "./statements.ts";

const TWO_30 = 2 ** 30;
/** Fifteen bits at a time: words are made for most attributes that come. */
const DIGITS: readonly string[] = Array.from({ length: 0x8000 }, (_, bits) =>
  bits.toString(32).padStart(3, "0"),
);

/** Batches of one trace that have numbers of their own in the index. */
export const BATCHES_OF_TRACE: number = 2 ** 20;

/**
 * Puts what came of a trace at once into the index of attributes. Of a trace that goes on without end the first million of batches are
 * there.
 *
 * @param trace its key, and how many batches there were with this one
 */
export function indexHashes(
  statements: Statements,
  { key, batches }: { key: number; batches: number },
  hashes: Iterable<number>,
): void {
  if (batches > BATCHES_OF_TRACE) return;
  let words = "";
  for (const hash of hashes) words += `${hashWord(hash)} `;
  const rowid = key * BATCHES_OF_TRACE + batches - 1;
  statements.run("INSERT INTO traces_attributes (rowid, words) VALUES (?, ?)", rowid, words);
}

/**
 * Puts all that there is of a trace into the index, which knows nothing of it yet.
 *
 * @param key the trace's @param spans SQL, with its values: `sandbox` and `attributes` of the trace's spans
 */
export function indexTrace(
  statements: Statements,
  key: number,
  spans: string,
  ...values: (string | number)[]
): void {
  const hashes = new Set<number>();
  const rows = statements.each<{ sandbox: number | null; attributes: string }>(spans, ...values);
  for (const { sandbox, attributes } of rows) {
    if (sandbox !== null) hashes.add(sandboxHash(sandbox));
    for (const [name, value] of Object.entries(JSON.parse(attributes) as object)) {
      const hash = attributeHash(name, value);
      if (hash !== undefined) hashes.add(hash);
    }
  }
  indexHashes(statements, { key, batches: 1 }, hashes);
}

/** Makes what the index knows of a trace anew: spans of it were deleted. */
export function reindexTrace(statements: Statements, key: number): void {
  statements.run("UPDATE traces SET batches = 1 WHERE key = ?", key);
  statements.run(
    "DELETE FROM traces_attributes WHERE rowid >= ? AND rowid < ?",
    ...[key * BATCHES_OF_TRACE, (key + 1) * BATCHES_OF_TRACE],
  );
  indexTrace(statements, key, "SELECT sandbox, attributes FROM spans WHERE trace = ?", key);
}

/** A sandbox is looked for as an attribute is, by a number that no attribute has. */
export function sandboxHash(sandbox: number): number {
  return -sandbox;
}

/** As a hash stands in the index. */
export function hashWord(hash: number): string {
  if (hash < 0) return `s${-hash}`;
  const low = hash % TWO_30;
  const high = (hash - low) / TWO_30;
  return DIGITS[high >>> 15]! + DIGITS[high & 0x7fff]! + DIGITS[low >>> 15]! + DIGITS[low & 0x7fff]!;
}
