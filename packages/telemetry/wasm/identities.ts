/** What the events of a batch are about: organisation, sandbox and run, by the bytes that they stand there with. */
import { ENDS, IDENTITIES, STARTS } from "./memory";
import { isAt } from "./types";

const ORG_ID: i32 = 5;
const RUN_ID: i32 = 7;
/** Length, number and bytes of each. */
const ENTRY_BYTES: i32 = 256;
const MAX_LENGTH: i32 = ENTRY_BYTES - 32;
/** A power of two; at most half of them are taken. */
const PLACES: i32 = 512;

let known: i32 = 0;

/** Forgets all of them. */
export function clearIdentities(): void {
  for (let place = 0; place < PLACES; place++) store<i32>((IDENTITIES + place * ENTRY_BYTES) as usize, 0);
  known = 0;
}

/** The number of what the event that was scanned is about, counted from 0; -1 where there is no room for it. */
export function identity(): i32 {
  // They stand beside each other: organisation, sandbox, run.
  const start = load<i32>((STARTS + ORG_ID * 4) as usize);
  const length = load<i32>((ENDS + RUN_ID * 4) as usize) - start;
  if (length > MAX_LENGTH) return -1;
  // Organisations are few and runs often none: what differs is mostly somewhere before the last 32 bytes.
  let place = hashOf(start, length);
  while (true) {
    const entry = IDENTITIES + (place & (PLACES - 1)) * ENTRY_BYTES;
    const taken = load<i32>(entry as usize);
    if (taken === 0) {
      if (known === PLACES / 2) return -1;
      store<i32>(entry as usize, length);
      store<i32>((entry + 4) as usize, known);
      memory.copy((entry + 16) as usize, start as usize, length as usize);
      return known++;
    }
    if (taken === length && isAt(start, entry + 16, length)) return load<i32>((entry + 4) as usize);
    place++;
  }
}

function hashOf(start: i32, length: i32): i32 {
  let hash = length;
  let at = start;
  for (; at + 4 <= start + length; at += 4) hash = (hash ^ load<i32>(at as usize)) * 0x01000193;
  return hash ^ (hash >>> 15);
}
