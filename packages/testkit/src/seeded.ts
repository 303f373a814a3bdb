/** Numbers and bytes that look random and are the same in every run. */
export interface Seeded {
  /** 0 to `below` - 1. */
  int(below: number): number;
  bytes(length: number): Buffer;
  pick<T>(from: readonly T[]): T;
}

/** Mulberry32: for test data only. */
export function seeded(seed: number): Seeded {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const int = (below: number): number => next() % below;
  return {
    int,
    bytes: (length) => Buffer.from(Array.from({ length }, () => next() & 0xff)),
    pick: (from) => from[int(from.length)] as (typeof from)[number],
  };
}
