import type { MetricInfo, MetricSeriesList } from "sandglass";
import type { Colors } from "../terminal.ts";
import { age } from "./duration.ts";
import { table } from "./table.ts";

const BARS = "▁▂▃▄▅▆▇█";
const MAX_BARS = 60;

/** Metrics that there are, a line each. */
export function metricTable(metrics: readonly MetricInfo[], colors: Colors): string {
  return table(
    ["METRIC", "TYPE", "UNIT", "POINTS", "LAST", "ATTRIBUTES"],
    metrics.map(({ name, type, unit, points, lastAt, attributes }) => [
      name,
      type,
      unit,
      String(points),
      age(lastAt),
      attributes.join(" "),
    ]),
    colors,
  );
}

/** Series, a line each: what they are of, a few numbers, and how they went. */
export function metricSeries({ series, aggregation, unit }: MetricSeriesList, colors: Colors): string {
  const names = [...new Set(series.flatMap(({ attributes }) => Object.keys(attributes)))];
  const of = unit === "" ? aggregation.toUpperCase() : `${aggregation.toUpperCase()} (${unit})`;
  return table(
    [...names, "LAST", "MIN", "MAX", of],
    series.map(({ attributes, points }) => {
      const values = points.map(([, value]) => value);
      const numbers = [values.at(-1) ?? 0, Math.min(...values), Math.max(...values)];
      return [...names.map((name) => attributes[name] ?? ""), ...numbers.map(readable), bars(values)];
    }),
    colors,
  );
}

/** Four digits say enough. */
function readable(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** From the lowest to the highest of them; of more than fit, the mean of neighbours. */
function bars(values: readonly number[]): string {
  const width = Math.ceil(values.length / MAX_BARS);
  const means: number[] = [];
  for (let at = 0; at < values.length; at += width) {
    const part = values.slice(at, at + width);
    means.push(part.reduce((sum, value) => sum + value, 0) / part.length);
  }
  const [low, high] = [Math.min(...means), Math.max(...means)];
  const height = (value: number): number =>
    high === low ? 0 : Math.round(((value - low) / (high - low)) * (BARS.length - 1));
  return means.map((value) => BARS[height(value)] ?? "").join("");
}
