import { trimSpace } from "./trim-space.ts";

export interface BaggageProperty {
  key: string;
  /** Percent-decoded; absent where the property is a key alone. */
  value?: string;
}

/** One member of a `baggage` header. */
export interface BaggageEntry {
  key: string;
  /** Percent-decoded. */
  value: string;
  properties: BaggageProperty[];
}

/** An entry and its text as received, without optional whitespace. */
interface Member {
  text: string;
  entry: BaggageEntry;
}

const MAX_MEMBERS = 64;
const MAX_BYTES = 8192;
/** RFC 9110's token. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Printable ASCII without `"`, `,`, `;` and `\`. */
const VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Parses a `baggage` header (W3C Baggage, section 3; several headers joined with commas). Invalid members are skipped, duplicate
 * keys kept in order; reading stops at 64 members or 8192 bytes, the limits that everyone has to carry.
 */
export function parseBaggage(header: string): BaggageEntry[] {
  return validMembers(header).map((member) => member.entry);
}

/** The header of these entries; an entry with an invalid key, or past the limits, is left out. "" of none. */
export function formatBaggage(entries: readonly BaggageEntry[]): string {
  const members = entries.filter((entry) => TOKEN.test(entry.key)).map(formatEntry);
  return joinMembers(withinLimits(members));
}

/**
 * A received header without its invalid members and optional whitespace, within the limits; what is encoded stays as it came.
 * Holds printable ASCII only, so it is safe in an environment variable.
 */
export function normalizeBaggage(header: string): string {
  return joinMembers(validMembers(header));
}

function validMembers(header: string): Member[] {
  return withinLimits(
    header
      .split(",")
      .map(parseMember)
      .filter((member) => member !== undefined),
  );
}

function parseMember(part: string): Member | undefined {
  const [first = "", ...rest] = part.split(";");
  const pair = parsePair(first);
  if (pair?.value === undefined) return undefined;
  const entry: BaggageEntry = { key: pair.key, value: decode(pair.value), properties: [] };
  let text = `${pair.key}=${pair.value}`;
  for (const piece of rest) {
    const property = parsePair(piece);
    if (property === undefined) return undefined;
    const { key, value } = property;
    entry.properties.push(value === undefined ? { key } : { key, value: decode(value) });
    text += value === undefined ? `;${key}` : `;${key}=${value}`;
  }
  return { text, entry };
}

function parsePair(text: string): { key: string; value: string | undefined } | undefined {
  // Only the first "=" separates: a value may hold more of them.
  const equals = text.indexOf("=");
  const key = trimSpace(equals < 0 ? text : text.slice(0, equals));
  const value = equals < 0 ? undefined : trimSpace(text.slice(equals + 1));
  if (!TOKEN.test(key) || (value !== undefined && !VALUE.test(value))) return undefined;
  return { key, value };
}

/** Drops members that do not fit any more, whole: half a member would be a lie. */
function withinLimits<T extends { text: string }>(members: readonly T[]): T[] {
  const kept: T[] = [];
  let bytes = 0;
  for (const member of members) {
    const more = member.text.length + (kept.length === 0 ? 0 : 1);
    if (kept.length === MAX_MEMBERS || bytes + more > MAX_BYTES) continue;
    kept.push(member);
    bytes += more;
  }
  return kept;
}

function formatEntry(entry: BaggageEntry): { text: string } {
  const properties = entry.properties
    .filter((property) => TOKEN.test(property.key))
    .map(({ key, value }) => (value === undefined ? `;${key}` : `;${key}=${encode(value)}`));
  return { text: `${entry.key}=${encode(entry.value)}${properties.join("")}` };
}

function joinMembers(members: readonly { text: string }[]): string {
  return members.map((member) => member.text).join(",");
}

/** `%` and what is no baggage-octet become percent-encoded UTF-8. */
function encode(text: string): string {
  let encoded = "";
  for (const byte of encoder.encode(text)) {
    const character = String.fromCharCode(byte);
    encoded +=
      byte !== 0x25 && VALUE.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** Bytes that are not UTF-8 read as U+FFFD; a `%` without two hex digits behind it stands for itself. */
function decode(text: string): string {
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) =>
    decoder.decode(Uint8Array.from(run.slice(1).split("%"), (hex) => Number.parseInt(hex, 16))),
  );
}
