import type { MetricAggregation, MetricType } from "@sandglass/protocol";
import { Histogram } from "../../metrics/histogram.ts";
import type { Cell } from "./cells.ts";

/** One value of the cells that a group's series have in one step; undefined where there is none. */
export function aggregate(
  cells: readonly Cell[],
  type: MetricType,
  aggregation: MetricAggregation,
  stepSeconds: number,
): number | undefined {
  if (type === "histogram") return ofHistogram(cells, aggregation, stepSeconds);
  switch (aggregation) {
    case "count":
      return total(cells, ({ points }) => points);
    case "rate":
      return total(cells, ({ increase }) => increase) / stepSeconds;
    case "sum":
      return total(cells, ({ increase, last }) => (type === "counter" ? increase : last));
    case "last":
      return type === "counter" ? total(cells, ({ last }) => last) : newest(cells)?.last;
  }
  const values =
    type === "counter"
      ? cells.map(({ increase }) => increase / stepSeconds)
      : cells.flatMap(({ values }) => values);
  switch (aggregation) {
    case "avg":
      return total(values, (value) => value) / values.length;
    case "min":
      return values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
    case "max":
      return values.reduce((greatest, value) => Math.max(greatest, value), Number.NEGATIVE_INFINITY);
    default:
      return quantile(values, shareOf(aggregation));
  }
}

function ofHistogram(
  cells: readonly Cell[],
  aggregation: MetricAggregation,
  stepSeconds: number,
): number | undefined {
  const all = together(cells);
  if (aggregation === "count") return all.count;
  if (aggregation === "rate") return all.count / stepSeconds;
  if (all.count === 0) return undefined;
  switch (aggregation) {
    case "sum":
      return all.sum;
    case "avg":
    case "last":
      return all.sum / all.count;
    case "min":
      return all.least();
    case "max":
      return all.greatest();
    default:
      return all.quantile(shareOf(aggregation));
  }
}

function together(cells: readonly Cell[]): Histogram {
  const [only] = cells;
  if (cells.length === 1 && only?.histogram !== undefined) return only.histogram;
  const all = new Histogram();
  for (const { histogram } of cells) if (histogram !== undefined) all.add(histogram.toDistribution());
  return all;
}

/** `p95` is 0.95. */
function shareOf(aggregation: string): number {
  return Number(aggregation.slice(1)) / 100;
}

/** Between the two that are nearest to it. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const low = sorted[Math.floor(place)] ?? 0;
  const high = sorted[Math.ceil(place)] ?? low;
  return low + (high - low) * (place % 1);
}

function total<Item>(items: readonly Item[], toValue: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + toValue(item), 0);
}

function newest(cells: readonly Cell[]): Cell | undefined {
  return cells.reduce<Cell | undefined>(
    (best, cell) => (best === undefined || cell.lastTime > best.lastTime ? cell : best),
    undefined,
  );
}
