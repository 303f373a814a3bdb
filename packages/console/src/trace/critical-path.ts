import type { TraceShape } from "./trace-shape.ts";

type Tree = Pick<TraceShape, "parent" | "startMs" | "spanMs">;

/**
 * What the trace's length is made of: walked backwards from its end, always in the span that ended last before. A span that outlives its parent
 * counts with its own end. Without recursion, as chains may be long.
 *
 * @returns row, from, to of each stretch, milliseconds, ascending by row
 */
export function criticalPath({ parent, startMs, spanMs }: Tree): Float64Array {
  const count = parent.length;
  const children = childrenByEnd({ parent, startMs, spanMs });
  const stretches: [row: number, from: number, to: number][] = [];
  const open: { row: number; cursor: number; next: number }[] = [
    { row: -1, cursor: Number.POSITIVE_INFINITY, next: 0 },
  ];
  const add = (row: number, from: number, to: number): void => {
    if (row === -1) return;
    const start = startMs[row] ?? 0;
    const low = Math.max(from, start);
    const high = Math.min(to, start + (spanMs[row] ?? 0));
    if (high > low) stretches.push([row, low, high]);
  };
  while (open.length > 0) {
    const frame = open[open.length - 1] as (typeof open)[number];
    const own = children.get(frame.row) ?? [];
    const child = own[frame.next++];
    if (child === undefined) {
      add(frame.row, Number.NEGATIVE_INFINITY, frame.cursor);
      open.pop();
      continue;
    }
    if (child.end > frame.cursor || child.end <= (startMs[child.row] ?? 0)) continue;
    add(frame.row, child.end, frame.cursor);
    open.push({ row: child.row, cursor: child.end, next: 0 });
    frame.cursor = startMs[child.row] ?? 0;
  }
  stretches.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return Float64Array.from(stretches.slice(0, count * 4).flat());
}

/** Children of each row (of -1: the roots), those first that end last; ends are those of all that they caused. */
function childrenByEnd({ parent, startMs, spanMs }: Tree): Map<number, { row: number; end: number }[]> {
  const ends = Float64Array.from(startMs, (start, row) => start + (spanMs[row] ?? 0));
  for (let row = parent.length - 1; row >= 0; row--) {
    const above = parent[row] ?? -1;
    if (above !== -1) ends[above] = Math.max(ends[above] ?? 0, ends[row] ?? 0);
  }
  const children = new Map<number, { row: number; end: number }[]>();
  for (let row = 0; row < parent.length; row++) {
    const above = parent[row] ?? -1;
    const child = { row, end: ends[row] ?? 0 };
    const siblings = children.get(above);
    if (siblings === undefined) children.set(above, [child]);
    else siblings.push(child);
  }
  for (const siblings of children.values()) siblings.sort((a, b) => b.end - a.end);
  return children;
}
