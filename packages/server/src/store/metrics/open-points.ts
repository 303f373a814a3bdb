import type { Statements } from "../statements.ts";
import type { Distribution } from "./distribution.ts";
import { Histogram } from "./histogram.ts";

/** What was measured within it is one point. */
const POINT_MICROS = 60_000_000;
/** A day by template is a hundred of these for a series, where it is well over a thousand points. */
export const ROLLUP_MICROS = 900_000_000;

/** Points that are still added to: more than a batch has of a live system's. */
const MAX_OPEN = 10_000;

interface Open {
  series: number;
  time: number;
  histogram: Histogram;
  isChanged: boolean;
}

/** Points of what is measured, by the minute and by the quarter of an hour, as long as they are added to. */
export class OpenPoints {
  readonly #points: OpenTable;
  readonly #rollups: OpenTable;

  constructor(statements: Statements) {
    this.#points = new OpenTable(statements, "points", POINT_MICROS);
    this.#rollups = new OpenTable(statements, "rollups", ROLLUP_MICROS);
  }

  /** @param series its key @param micros when, Unix */
  record(series: number, micros: number, value: number): void {
    this.#points.record(series, micros, value);
    this.#rollups.record(series, micros, value);
  }

  settle(): void {
    this.#points.settle();
    this.#rollups.settle();
  }

  forget(): void {
    this.#points.forget();
    this.#rollups.forget();
  }
}

/** The points of a series. */
interface OpenSeries {
  bySteps: Map<number, Open>;
  /** Added to last: most that comes is of the same time. */
  last: Open | undefined;
  lastStep: number;
}

class OpenTable {
  readonly #statements: Statements;
  readonly #stepMicros: number;
  readonly #select: string;
  readonly #upsert: string;
  readonly #open = new Map<number, OpenSeries>();
  #size = 0;
  readonly #changed: Open[] = [];

  constructor(statements: Statements, table: "points" | "rollups", stepMicros: number) {
    this.#statements = statements;
    this.#stepMicros = stepMicros;
    this.#select = `SELECT distribution FROM ${table} WHERE series = ? AND time = ?`;
    const columns = table === "points" ? "series, time, start, distribution" : "series, time, distribution";
    const values = table === "points" ? "?1, ?2, ?2, ?3" : "?1, ?2, ?3";
    this.#upsert = `INSERT INTO ${table} (${columns}) VALUES (${values})
      ON CONFLICT DO UPDATE SET distribution = excluded.distribution`;
  }

  record(series: number, micros: number, value: number): void {
    const step = Math.floor(micros / this.#stepMicros);
    let of = this.#open.get(series);
    if (of === undefined) {
      of = { bySteps: new Map(), last: undefined, lastStep: -1 };
      this.#open.set(series, of);
    }
    if (of.last === undefined || of.lastStep !== step) {
      of.last = of.bySteps.get(step) ?? this.#begin(series, of, step);
      of.lastStep = step;
    }
    const open = of.last;
    if (!open.isChanged) {
      open.isChanged = true;
      this.#changed.push(open);
    }
    open.histogram.record(value);
  }

  settle(): void {
    for (const open of this.#changed) {
      open.isChanged = false;
      this.#statements.run(
        this.#upsert,
        open.series,
        open.time,
        JSON.stringify(open.histogram.toDistribution()),
      );
    }
    this.#changed.length = 0;
    if (this.#size > MAX_OPEN) this.forget();
  }

  forget(): void {
    this.#open.clear();
    this.#changed.length = 0;
    this.#size = 0;
  }

  #begin(series: number, { bySteps }: OpenSeries, step: number): Open {
    const time = step * this.#stepMicros;
    const open = { series, time, histogram: this.#stored(series, time), isChanged: false };
    bySteps.set(step, open);
    this.#size += 1;
    return open;
  }

  #stored(series: number, time: number): Histogram {
    const histogram = new Histogram();
    const row = this.#statements.get<{ distribution: string }>(this.#select, series, time);
    if (row !== undefined) histogram.add(JSON.parse(row.distribution) as Distribution);
    return histogram;
  }
}
