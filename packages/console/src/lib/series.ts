/** A value at a time, Unix milliseconds. */
export type Point = readonly [atMs: number, value: number];

export interface Series {
  name: string;
  /** Ascending by time. */
  points: readonly Point[];
}

/** At most so many points: of each stretch of time its highest, so that no peak is lost. */
export function thin(points: readonly Point[], max: number): readonly Point[] {
  if (points.length <= max) return points;
  const size = points.length / max;
  return Array.from({ length: max }, (_, index) => {
    const part = points.slice(Math.floor(index * size), Math.floor((index + 1) * size));
    return part.reduce((top, point) => (point[1] > top[1] ? point : top));
  });
}

/** The point that was in force at a time: the last one not behind it. */
export function pointAt(points: readonly Point[], atMs: number): Point | undefined {
  return points.findLast(([at]) => at <= atMs);
}

/** A rounded number not below the value, for the top of an axis; of KiB, MiB and so on where it is binary. */
export function niceCeiling(value: number, isBinary = false): number {
  if (!(value > 0)) return 1;
  if (isBinary && value >= 1024) return 1024 * niceCeiling(value / 1024, true);
  const magnitude = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((each) => each * magnitude >= value) ?? 10;
  return step * magnitude;
}

/** An SVG path over a box of the given width and height, in which `top` is the upper edge. */
export function linePath(
  points: readonly Point[],
  {
    fromMs,
    toMs,
    top,
    width,
    height,
  }: { fromMs: number; toMs: number; top: number; width: number; height: number },
): string {
  const length = Math.max(1, toMs - fromMs);
  // A lone point is drawn as a dash: a line without length is not seen.
  const dash = points.length === 1 ? "h4" : "";
  const path = points
    .map(([at, value], index) => {
      const x = ((at - fromMs) / length) * width;
      const y = height - (Math.min(value, top) / top) * height;
      return `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join("");
  return path + dash;
}

/** The points of a stretch of time, with the one on either side, so that lines run to its edges. */
export function within(points: readonly Point[], fromMs: number, toMs: number): readonly Point[] {
  const first = points.findIndex(([at]) => at >= fromMs);
  if (first === -1) return points.slice(-1);
  const last = points.findLastIndex(([at]) => at <= toMs);
  return points.slice(Math.max(0, first - 1), last + 2);
}
