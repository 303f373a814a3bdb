import { askedHashes } from "@sandglass/telemetry/reading";
import type { Statements } from "../statements.ts";
import { BATCHES_OF_TRACE, hashWord, sandboxHash } from "../trace-index.ts";
import type { Conditions } from "./conditions.ts";

/** So few are looked up one by one; of more, the newest are come across soon. */
const MAX_LOOKED_UP = 500;

/** Of any of its spans. Numbers and truth values are compared as they are written. */
const HAS_ATTRIBUTE = `EXISTS (
  SELECT 1 FROM spans, json_each(spans.attributes) AS attribute
  WHERE spans.trace = traces.key
    AND (instr(spans.attributes, ?) > 0 OR instr(spans.attributes, ?) > 0) AND attribute.key = ?
    AND iif(attribute.type IN ('true', 'false'), attribute.type, CAST(attribute.value AS TEXT)) = ?)`;
const HAS_SANDBOX = `EXISTS (
  SELECT 1 FROM spans WHERE spans.trace = traces.key AND spans.sandbox = ?)`;

/**
 * Adds what traces must have. An index tells which may have it; each of those that would be shown is looked at.
 *
 * @param wanted `attributes`: `name=value`, all of them, of any of its spans; `sandboxId`: one of its spans is about it
 */
export function addTraceAttributes(
  statements: Statements,
  conditions: Conditions,
  wanted: { attributes: readonly string[] | undefined; sandboxId: string | undefined },
): void {
  for (const pair of wanted.attributes ?? []) {
    const separator = pair.indexOf("=");
    const [name, value] = [pair.slice(0, separator), pair.slice(separator + 1)];
    addIndexed(statements, conditions, askedHashes(name, value));
    const key = `${JSON.stringify(name)}:`;
    // Found as text before it is taken apart: a trace may have fifty thousand spans.
    conditions.add(HAS_ATTRIBUTE, key + JSON.stringify(value), key + value, name, value);
  }
  if (wanted.sandboxId === undefined) return;
  const sandbox = statements.get<{ key: number }>("SELECT key FROM sandboxes WHERE id = ?", wanted.sandboxId);
  const key = sandbox?.key ?? 0;
  addIndexed(statements, conditions, [sandboxHash(key)]);
  conditions.add(HAS_SANDBOX, key);
}

function addIndexed(statements: Statements, conditions: Conditions, hashes: readonly number[]): void {
  const match = hashes.map((hash) => `"${hashWord(hash)}"`).join(" OR ");
  const found = `SELECT rowid / ${BATCHES_OF_TRACE} AS key FROM traces_attributes WHERE traces_attributes MATCH ?`;
  const few = statements.all<{ key: number }>(`${found} LIMIT ?`, match, MAX_LOOKED_UP + 1);
  if (few.length <= MAX_LOOKED_UP) {
    const keys = JSON.stringify([...new Set(few.map(({ key }) => key))]);
    conditions.add("key IN (SELECT value FROM json_each(?))", keys);
  } else {
    // The plus keeps SQLite from looking all of them up: it goes from the newest until there are enough.
    conditions.add(`+key IN (${found})`, match);
  }
}
