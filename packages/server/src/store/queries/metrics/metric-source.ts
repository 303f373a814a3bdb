import type { MetricType } from "@sandglass/protocol";
import type { Distribution } from "../../metrics/distribution.ts";

/** Points of a metric, wherever they are kept. */
export interface MetricSource {
  type: MetricType;
  unit: string;
  description: string;
  /** Those that were asked for; no more than `MAX_SERIES_READ`. */
  series: SourceSeries[];
  /** Whether there are more. */
  isCut: boolean;
}

export interface SourceSeries {
  attributes: Record<string, string>;
  /** Whether points are increases, not totals. */
  isDelta: boolean;
  /** In the order of time, from `since` on, before `until` (Unix microseconds), at most `limit`. */
  read(since: number, until: number, limit: number): Iterable<SourcePoint>;
  /** The last before a time, which tells what a total was then. */
  before(time: number): SourcePoint | undefined;
}

export interface SourcePoint {
  /** Unix microseconds. */
  time: number;
  /** From when on it was counted; 0 where nobody said. */
  start: number;
  value: number;
  distribution?: Distribution | undefined;
}

/** What is asked for. */
export interface SeriesWanted {
  orgId: string;
  name: string;
  /** Unix microseconds. */
  since: number;
  until: number;
  /** Of the steps that points are put together in: points within one need not be told apart. */
  stepMicros: number;
  sandboxId?: string | undefined;
  runId?: string | undefined;
  /** `name=value`, all of them. */
  filter: readonly string[];
}

export const MAX_SERIES_READ = 20_000;

/** Whether all are there as they are wanted. */
export function matches(attributes: Record<string, string>, filter: readonly string[]): boolean {
  return filter.every((pair) => {
    const separator = pair.indexOf("=");
    return attributes[pair.slice(0, separator)] === pair.slice(separator + 1);
  });
}

/** As an attribute is compared and shown: numbers and truth values as they are written, what is made up of parts as JSON. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
