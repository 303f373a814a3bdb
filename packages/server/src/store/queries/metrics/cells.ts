import type { MetricType } from "@sandglass/protocol";
import { since as increaseSince } from "../../metrics/distribution.ts";
import { Histogram } from "../../metrics/histogram.ts";
import type { SourcePoint, SourceSeries } from "./metric-source.ts";

/** What one series did in one step. */
export interface Cell {
  points: number;
  /** Of a gauge. */
  values: number[];
  /** Of a counter what was added; of a gauge how it changed. */
  increase: number;
  /** Of the newest point. */
  last: number;
  lastTime: number;
  /** What was measured. */
  histogram: Histogram | undefined;
}

/** Of a range, cut into steps. Unix microseconds. */
export interface Steps {
  since: number;
  until: number;
  stepMicros: number;
}

/**
 * Cells of one series by their step. Totals become increases: the difference to the point before, or all of it where it was counted
 * anew, which shows in a new start or a value that fell.
 *
 * @param budget points that may still be read; less by those that were
 */
export function cellsOf(
  series: SourceSeries,
  type: MetricType,
  { since, until, stepMicros }: Steps,
  budget: { left: number },
): Map<number, Cell> {
  const cells = new Map<number, Cell>();
  let previous: SourcePoint | undefined;
  let isFirst = true;
  for (const point of series.read(since, until, budget.left)) {
    budget.left -= 1;
    if (isFirst && !series.isDelta) previous = series.before(since);
    isFirst = false;
    const step = Math.floor(point.time / stepMicros) * stepMicros;
    let cell = cells.get(step);
    if (cell === undefined) {
      cell = { points: 0, values: [], increase: 0, last: 0, lastTime: 0, histogram: undefined };
      cells.set(step, cell);
    }
    cell.points += 1;
    cell.last = point.value;
    cell.lastTime = point.time;
    if (type === "gauge") {
      cell.values.push(point.value);
      cell.increase += previous === undefined ? 0 : point.value - previous.value;
    } else if (type === "counter") {
      cell.increase += series.isDelta ? point.value : increase(previous, point, since);
    } else {
      cell.histogram ??= new Histogram();
      addMeasured(cell.histogram, series.isDelta, previous, point, since);
    }
    previous = point;
  }
  return cells;
}

/**
 * Cells of increases that were measured, which are added up whichever series they are of: into one for each step.
 *
 * @param budget as `cellsOf`
 * @returns whether there was any
 */
export function addDeltas(
  series: SourceSeries,
  { since, until, stepMicros }: Steps,
  budget: { left: number },
  into: Map<number, Cell[]>,
): boolean {
  const { left } = budget;
  for (const { time, distribution } of series.read(since, until, left)) {
    budget.left -= 1;
    const step = Math.floor(time / stepMicros) * stepMicros;
    let [cell] = into.get(step) ?? [];
    if (cell === undefined) {
      cell = { points: 0, values: [], increase: 0, last: 0, lastTime: 0, histogram: new Histogram() };
      into.set(step, [cell]);
    }
    cell.points += 1;
    cell.lastTime = Math.max(cell.lastTime, time);
    if (distribution !== undefined) cell.histogram?.add(distribution);
  }
  return budget.left < left;
}

function increase(previous: SourcePoint | undefined, point: SourcePoint, since: number): number {
  if (isNewCount(previous, point, since)) return point.value;
  return previous === undefined ? 0 : point.value - previous.value;
}

/** Whether all of a total was counted behind the point before it. */
function isNewCount(previous: SourcePoint | undefined, point: SourcePoint, since: number): boolean {
  // Of the first that is known, what was counted before the range is no part of it.
  if (previous === undefined) return point.start >= since && point.start > 0;
  return point.value < previous.value || (point.start > 0 && point.start >= previous.time);
}

function addMeasured(
  into: Histogram,
  isDelta: boolean,
  previous: SourcePoint | undefined,
  point: SourcePoint,
  since: number,
): void {
  const { distribution } = point;
  if (distribution === undefined) return;
  if (isDelta || isNewCount(previous, point, since)) return into.add(distribution);
  if (previous?.distribution === undefined) return;
  into.add(increaseSince(previous.distribution, distribution) ?? distribution);
}
