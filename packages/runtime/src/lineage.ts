/** A sandbox that another one was forked from, and when its disk was copied (Unix time in milliseconds). */
export interface Ancestor {
  id: string;
  atMs: number;
}

/** A file's time of change counts in ticks of some milliseconds: what was changed in the tick of a copy cannot be told from what was copied. */
const TICK_MS = 1000;

/**
 * Unix time in seconds before which two sandboxes' disks were one; 0 where they never were.
 *
 * @param lineage of each: the sandbox itself is no part of it, its parent comes first
 */
export function sameSince(
  a: { id: string; lineage: readonly Ancestor[] },
  b: { id: string; lineage: readonly Ancestor[] },
): number {
  const forkedAt = forkTimes(b);
  for (const [id, atMs] of forkTimes(a)) {
    const other = forkedAt.get(id);
    if (other !== undefined) return Math.max(0, Math.floor((Math.min(atMs, other) - TICK_MS) / 1000));
  }
  return 0;
}

/** For the sandbox and each that it comes from: when the line to it left that one's disk. */
function forkTimes({ id, lineage }: { id: string; lineage: readonly Ancestor[] }): Map<string, number> {
  const times = new Map([[id, Number.POSITIVE_INFINITY]]);
  let earliest = Number.POSITIVE_INFINITY;
  for (const ancestor of lineage) {
    earliest = Math.min(earliest, ancestor.atMs);
    times.set(ancestor.id, earliest);
  }
  return times;
}
