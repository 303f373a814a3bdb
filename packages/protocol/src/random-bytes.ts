/**
 * Random bytes drawn from a pool of 4 KiB: one `getRandomValues` for many ids, since a call per id costs
 * more than everything else about it. Every byte is given out once.
 */
const POOL_BYTES = 4096;
const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

/** Reserves `count` (at most 4096) fresh bytes and returns where they begin in {@link randomPool}. */
export function takeRandom(count: number): number {
  if (used + count > POOL_BYTES) {
    globalThis.crypto.getRandomValues(pool);
    used = 0;
  }
  const offset = used;
  used += count;
  return offset;
}

/** Where {@link takeRandom} reserves from; read it before the next reservation. */
export const randomPool: Readonly<Uint8Array> = pool;
