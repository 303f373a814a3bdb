import { isUtf8 } from "node:buffer";

/**
 * Attributes of the Resource that say whose telemetry it is. Only the host says so: what comes from inside a sandbox under one of
 * these keys is removed, also where the host has nothing to say in its place.
 *
 * That holds for the Resource alone. The attributes of spans, scopes, log records and data points are the sandbox's own words,
 * whatever their keys are, and nobody may take them for identity.
 */
export const HOST_OWNED_KEYS: readonly string[] = [
  "sandglass.sandbox.id",
  "sandglass.org.id",
  "sandglass.template.id",
  "sandglass.run.id",
  "service.instance.id",
  "container.id",
];

/**
 * What a key is to the host. "group": the beginning of an owned key up to a dot; a map or a list under it becomes the owned key
 * wherever nested values are flattened.
 */
export type KeyOwnership = "owned" | "group" | "free";

/** Tells keys that belong to the host from others, in bytes. */
export class HostOwnedKeys {
  readonly #owned: ReadonlyMap<number, readonly Uint8Array[]>;
  readonly #groups: ReadonlyMap<number, readonly Uint8Array[]>;
  readonly #keys: ReadonlySet<string>;

  constructor(keys: readonly string[] = HOST_OWNED_KEYS) {
    this.#keys = new Set(keys);
    this.#owned = byLength(keys);
    this.#groups = byLength(keys.flatMap(groupsOf));
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /**
   * Whose key `bytes[start, end)` is.
   *
   * Bytes that are no UTF-8 are owned: readers disagree on what they say (protobufjs leaves stray ones out, others put U+FFFD in
   * their place), and a protobuf string may not hold them. A byte order mark in front does not count, since `TextDecoder` drops it.
   */
  ownershipOf(bytes: Uint8Array, start: number, end: number): KeyOwnership {
    if (!isAscii(bytes, start, end)) {
      if (!isUtf8(bytes.subarray(start, end))) return "owned";
      const text = behindByteOrderMarks(bytes, start, end);
      return text === start ? "free" : this.ownershipOf(bytes, text, end);
    }
    if (isOneOf(this.#owned, bytes, start, end)) return "owned";
    return isOneOf(this.#groups, bytes, start, end) ? "group" : "free";
  }
}

/** `a.b.c` is in the groups `a` and `a.b`. */
function groupsOf(key: string): string[] {
  const parts = key.split(".");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("."));
}

function byLength(keys: readonly string[]): Map<number, Uint8Array[]> {
  const encoded = [...new Set(keys)].map((key) => Buffer.from(key));
  return Map.groupBy(encoded, (key) => key.length);
}

function isOneOf(
  keys: ReadonlyMap<number, readonly Uint8Array[]>,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  const candidates = keys.get(end - start);
  if (candidates === undefined) return false;
  for (const candidate of candidates) if (isSame(candidate, bytes, start)) return true;
  return false;
}

function isSame(key: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let index = 0; index < key.length; index++) if (key[index] !== bytes[start + index]) return false;
  return true;
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! >= 0x80) return false;
  return true;
}

/** EF BB BF is U+FEFF. */
function behindByteOrderMarks(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at + 2 < end && bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf) at += 3;
  return at;
}
