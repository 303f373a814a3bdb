import { randomPool, takeRandom } from "./random-bytes.ts";

/** Crockford's alphabet, lower-case: no i, l, o, u, so an id read aloud stays the same id. */
const BASE32 = "0123456789abcdefghjkmnpqrstvwxyz";
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const COUNTER_MAX = 0xfff;
const ULID_PATTERN = "[0-7][0-9a-hjkmnp-tv-z]{25}";

let eventMs = 0;
let eventCounter = 0;
/** What the ids of 65,536 ms begin with. */
let eventPrefix = "";
let eventWindow = Number.NaN;
let ulidMs = Number.NaN;
let ulidPrefix = "";

/**
 * "evt_" + UUIDv7 (RFC 9562 section 5.7). Strictly increasing within a process, also when the clock steps back:
 * `rand_a` is a counter (section 6.2, method 1) that starts in its lower half at a random value each
 * millisecond, and borrows from the next millisecond when it runs over.
 */
export function newEventId(): string {
  const now = Date.now();
  const at = takeRandom(10);
  if (now > eventMs) {
    eventMs = now;
    eventCounter = (((byteAt(at) << 8) | byteAt(at + 1)) & COUNTER_MAX) >> 1;
  } else if (++eventCounter > COUNTER_MAX) {
    eventMs += 1;
    eventCounter = 0;
  }
  const window = Math.floor(eventMs / 0x1_0000);
  if (eventWindow !== window) {
    eventPrefix = `evt_${window.toString(16).padStart(8, "0")}-`;
    eventWindow = window;
  }
  const time = `${HEX[(eventMs >> 8) & 0xff]}${HEX[eventMs & 0xff]}`;
  const version = `${HEX[0x70 | (eventCounter >> 8)]}${HEX[eventCounter & 0xff]}`;
  const variant = `${HEX[0x80 | (byteAt(at + 2) & 0x3f)]}${HEX[byteAt(at + 3)]}`;
  return `${eventPrefix}${time}-${version}-${variant}-${hexOf(at + 4, 6)}`;
}

/** "sbx_" + 26 characters that sort by time: 48 bits of milliseconds, 80 random bits. */
export function newSandboxId(): string {
  return `sbx_${ulid()}`;
}

/** "exec_" + 26 characters that sort by time. */
export function newExecId(): string {
  return `exec_${ulid()}`;
}

/** "run_" + 26 characters that sort by time. */
export function newRunId(): string {
  return `run_${ulid()}`;
}

/** "req_" + 26 characters that sort by time: one HTTP request. */
export function newRequestId(): string {
  return `req_${ulid()}`;
}

/** "key_" + 26 characters that sort by time: names an API key, is not its secret. */
export function newKeyId(): string {
  return `key_${ulid()}`;
}

/** "inc_" + 26 characters that sort by time: one incident. */
export function newIncidentId(): string {
  return `inc_${ulid()}`;
}

/** "mnt_" + 26 characters that sort by time: one scheduled maintenance. */
export function newMaintenanceId(): string {
  return `mnt_${ulid()}`;
}

/** 32 lower-case hex characters, all of them random (W3C Trace Context Level 2 section 3.2.2.3), never all zero. */
export function newTraceId(): string {
  return randomHex(16);
}

/** 16 lower-case hex characters, never all zero. */
export function newSpanId(): string {
  return randomHex(8);
}

const EVENT_ID = /^evt_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const SANDBOX_ID = new RegExp(`^sbx_${ULID_PATTERN}$`);
const EXEC_ID = new RegExp(`^exec_${ULID_PATTERN}$`);
const REQUEST_ID = new RegExp(`^req_${ULID_PATTERN}$`);
const KEY_ID = new RegExp(`^key_${ULID_PATTERN}$`);
const RUN_ID = /^run_[A-Za-z0-9_-]{1,64}$/;
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/;

export function isEventId(text: string): boolean {
  return EVENT_ID.test(text);
}
export function isSandboxId(text: string): boolean {
  return SANDBOX_ID.test(text);
}
export function isExecId(text: string): boolean {
  return EXEC_ID.test(text);
}
/** "run_" and 1 to 64 of `A-Za-z0-9_-`: wider than {@link newRunId} gives, so that a framework's own run id fits behind the prefix. */
export function isRunId(text: string): boolean {
  return RUN_ID.test(text);
}
export function isRequestId(text: string): boolean {
  return REQUEST_ID.test(text);
}
export function isKeyId(text: string): boolean {
  return KEY_ID.test(text);
}
/** A W3C trace-id: lower-case, not all zero. */
export function isTraceId(text: string): boolean {
  return TRACE_ID.test(text);
}
/** A W3C parent-id: lower-case, not all zero. */
export function isSpanId(text: string): boolean {
  return SPAN_ID.test(text);
}

function byteAt(offset: number): number {
  return randomPool[offset] ?? 0;
}

function hexOf(offset: number, count: number): string {
  let text = "";
  for (let index = offset; index < offset + count; index++) text += HEX[byteAt(index)];
  return text;
}

function randomHex(bytes: number): string {
  for (;;) {
    const text = hexOf(takeRandom(bytes), bytes);
    if (/[1-9a-f]/.test(text)) return text;
  }
}

function ulid(): string {
  const now = Date.now();
  if (now !== ulidMs) {
    ulidMs = now;
    ulidPrefix = "";
    for (let rest = now, digit = 0; digit < 10; digit++) {
      ulidPrefix = BASE32.charAt(rest % 32) + ulidPrefix;
      rest = Math.floor(rest / 32);
    }
  }
  // One byte a character wastes three bits of it and saves the carrying over byte borders.
  const at = takeRandom(16);
  let text = ulidPrefix;
  for (let index = at; index < at + 16; index++) text += BASE32.charAt(byteAt(index) & 31);
  return text;
}
