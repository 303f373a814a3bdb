import type { TraceShape } from "./trace-shape.ts";

/** More would not be looked at. */
const MAX_LANES = 400;

/** Where each span stands in the flame view: below its parent, beside what runs at the same time. */
export function flameLanes({ parent, startMs, spanMs }: Pick<TraceShape, "parent" | "startMs" | "spanMs">): {
  lane: Uint16Array;
  lanes: number;
} {
  const lane = new Uint16Array(parent.length);
  const freeFrom: number[] = [];
  const byStart = Array.from(parent, (_, row) => row).sort(
    (a, b) => (startMs[a] ?? 0) - (startMs[b] ?? 0) || a - b,
  );
  const isPlaced = new Uint8Array(parent.length);
  for (const row of byStart) {
    const above = parent[row] ?? -1;
    const start = startMs[row] ?? 0;
    // A child that claims to have begun before its parent stands at the top.
    let at = above !== -1 && isPlaced[above] === 1 ? (lane[above] ?? 0) + 1 : 0;
    while (at < MAX_LANES - 1 && (freeFrom[at] ?? 0) > start) at++;
    at = Math.min(at, MAX_LANES - 1);
    lane[row] = at;
    isPlaced[row] = 1;
    for (let gap = freeFrom.length; gap < at; gap++) freeFrom[gap] = 0;
    freeFrom[at] = Math.max(freeFrom[at] ?? 0, start + (spanMs[row] ?? 0));
  }
  return { lane, lanes: freeFrom.length };
}
