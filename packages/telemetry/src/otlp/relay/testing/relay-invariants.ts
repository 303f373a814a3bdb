import assert from "node:assert/strict";
import type { AnyValue, KeyValue, Signal } from "../../model.ts";
import { HOST_OWNED_KEYS } from "../host-owned-keys.ts";
import { OutputBuffer } from "../output-buffer.ts";
import { stampRequest } from "../stamp-request.ts";
import type { StampResult } from "../stamp-result.ts";
import { type DecodedEntry, decodeEntries } from "./decode-resources.ts";
import { HOST_KEY_VALUES, TEST_STAMP } from "./test-stamp.ts";

const output = new OutputBuffer();

/**
 * Stamps whatever `body` is and sees that what must always be true is, by what protobufjs makes of it.
 *
 * @returns whether the request was passed on
 */
export function assertRelayedSafely(signal: Signal, body: Uint8Array): boolean {
  const isWhole = assertUncheckedIsSafe(signal, body);
  const result = stampRequest(signal, body, TEST_STAMP, { output });
  // With an output it is checked by WebAssembly, without one it is not.
  assert.deepEqual(stampRequest(signal, body, TEST_STAMP), result);
  if (isRefused(result, body)) return false;
  assert.ok(isWhole, "a request is passed on that would not be without being checked");

  const bytes = Buffer.from(result.bytes);
  // Whatever passes, protobufjs can read: as a buffer, and as an array of bytes, for which it has other code.
  const entries = decodeEntries(signal, bytes);
  assertIdentity(entries);
  assertIdentity(decodeEntries(signal, new Uint8Array(bytes)));
  assert.equal(entries.length, result.resources);
  assertItems(signal, entries, result.items);
  assertRestIsKept(signal, body, entries);

  const again = stampRequest(signal, bytes, TEST_STAMP);
  assert.ok("bytes" in again, "what was passed on is not passed on again");
  assert.deepEqual(again.bytes, bytes);
  return true;
}

/** @returns whether the request was passed on */
function assertUncheckedIsSafe(signal: Signal, body: Uint8Array): boolean {
  const result = stampRequest(signal, body, TEST_STAMP, { output, content: "unchecked" });
  if (isRefused(result, body)) return false;
  let entries: DecodedEntry[];
  try {
    entries = decodeEntries(signal, result.bytes);
  } catch (error) {
    // Not looked at are the contents of scopes and values: protobufjs does, and may find them malformed.
    assert.ok(error instanceof Error);
    return true;
  }
  assertIdentity(entries);
  return true;
}

function isRefused(
  result: StampResult,
  body: Uint8Array,
): result is Extract<StampResult, { error: unknown }> {
  if (!("error" in result)) return false;
  const { kind, reason, offset } = result.error;
  assert.equal(kind, "malformed");
  assert.match(reason, /^[a-z][a-z0-9 ,-]+$/);
  assert.ok(offset >= 0 && offset <= body.length, `offset ${offset} of ${body.length}`);
  return true;
}

/** The host's attributes are in every Resource, once and unchanged, and nothing reads like another of them. */
function assertIdentity(entries: readonly DecodedEntry[]): void {
  for (const { resource } of entries) {
    const attributes = resource?.attributes ?? [];
    const speaking = attributes.filter((attribute) => namesOwned("", attribute));
    assert.deepEqual(speaking, HOST_KEY_VALUES);
  }
}

/** Whether an attribute, or what it flattens to, has a key that the host owns. */
function namesOwned(path: string, { key = "", value }: Partial<KeyValue>): boolean {
  const full = path === "" ? key.replace(/^\u{feff}+/u, "") : `${path}.${key}`;
  if (HOST_OWNED_KEYS.includes(full)) return true;
  return HOST_OWNED_KEYS.some((owned) => owned.startsWith(`${full}.`)) && valueNamesOwned(full, value);
}

function valueNamesOwned(path: string, value: AnyValue = {}): boolean {
  const { kvlistValue, arrayValue } = value;
  return (
    (kvlistValue?.values ?? []).some((inner) => namesOwned(path, inner)) ||
    (arrayValue?.values ?? []).some((inner) => valueNamesOwned(path, inner))
  );
}

type Items = {
  spans?: unknown[];
  logRecords?: unknown[];
  metrics?: Record<string, { dataPoints?: unknown[] }>[];
};

function scopesOf(entry: DecodedEntry): Items[] {
  const { scopeSpans, scopeLogs, scopeMetrics } = entry as unknown as Record<string, Items[]>;
  return scopeSpans ?? scopeLogs ?? scopeMetrics ?? [];
}

function assertItems(signal: Signal, entries: readonly DecodedEntry[], items: number): void {
  const lists = entries
    .flatMap(scopesOf)
    .flatMap(({ spans, logRecords, metrics }) =>
      signal === "metrics"
        ? (metrics ?? []).flatMap((metric) => Object.values(metric).map((data) => data.dataPoints ?? []))
        : [spans ?? logRecords ?? []],
    );
  const decoded = lists.reduce((sum, list) => sum + list.length, 0);
  // protobufjs knows only the last of several data fields of one metric, and merges none.
  if (signal === "metrics") assert.ok(items >= decoded, `${items} data points, protobufjs finds ${decoded}`);
  else assert.equal(items, decoded);
}

/** Where protobufjs reads what came in as well, all but the Resources is the same. */
function assertRestIsKept(signal: Signal, body: Uint8Array, entries: readonly DecodedEntry[]): void {
  const rest = (list: readonly DecodedEntry[]) => list.map((entry) => ({ ...entry, resource: undefined }));
  assert.deepEqual(rest(entries), rest(decodeEntries(signal, Buffer.from(body))));
}
