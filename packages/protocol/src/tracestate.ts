import { trimSpace } from "./trim-space.ts";

/** One vendor's entry, in the order of the header: the left-most was changed last. */
export interface TracestateMember {
  key: string;
  value: string;
}

const MAX_MEMBERS = 32;
/** Level 2 section 3.3.1.3.1: `@` has no structure of its own any more, so Level 1's `tenant@system` is a plain key. */
const KEY = /^[a-z0-9][a-z0-9_\-*/@]{0,255}$/;
/** Printable ASCII without `,` and `=`, up to 256 characters, the last one no space. */
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/**
 * Parses a `tracestate` (W3C Trace Context Level 2, section 3.3; several headers joined with commas). Empty members are
 * skipped. Returns undefined where the list is invalid as a whole: a malformed member, a key twice, more than 32 members.
 */
export function parseTracestate(header: string): TracestateMember[] | undefined {
  const members: TracestateMember[] = [];
  const keys = new Set<string>();
  for (const part of header.split(",")) {
    const text = trimSpace(part);
    if (text === "") continue;
    const equals = text.indexOf("=");
    const member = { key: text.slice(0, equals), value: text.slice(equals + 1) };
    if (equals < 0 || !isTracestateMember(member) || keys.has(member.key)) return undefined;
    keys.add(member.key);
    members.push(member);
  }
  return members.length > MAX_MEMBERS ? undefined : members;
}

/** Whether a member may stand in a `tracestate`. */
export function isTracestateMember(member: TracestateMember): boolean {
  return KEY.test(member.key) && VALUE.test(member.value);
}

/**
 * The header of valid members, "" of none. Members that are invalid are left out, and what is beyond the 32nd falls off the
 * right end, as the oldest.
 */
export function formatTracestate(members: readonly TracestateMember[]): string {
  return members
    .filter(isTracestateMember)
    .slice(0, MAX_MEMBERS)
    .map((member) => `${member.key}=${member.value}`)
    .join(",");
}
