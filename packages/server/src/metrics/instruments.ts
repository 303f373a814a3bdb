import type { Exemplar, HistogramPoint, Labels, NumberPoint } from "./family.ts";

/** Of one instrument. Labels are chosen so that there are far fewer; this is what holds should one not be. */
const MAX_SERIES = 1000;
/** What is counted beyond them, by OpenTelemetry's name for it. */
const OVERFLOW: Labels = { "otel.metric.overflow": "true" };

/** One state by labels. */
class Series<State> {
  readonly #states = new Map<string, { readonly labels: Labels; readonly state: State }>();
  readonly #create: () => State;

  constructor(create: () => State) {
    this.#create = create;
  }

  at(labels: Labels): State {
    const key = keyOf(labels);
    const known = this.#states.get(key);
    if (known !== undefined) return known.state;
    // One place is kept for the rest.
    if (this.#states.size >= MAX_SERIES - 1 && labels !== OVERFLOW) return this.at(OVERFLOW);
    const state = this.#create();
    this.#states.set(key, { labels, state });
    return state;
  }

  entries(): Iterable<{ readonly labels: Labels; readonly state: State }> {
    return this.#states.values();
  }
}

/** Counts by labels. */
export class Counter {
  readonly #series = new Series(() => ({ value: 0 }));

  /** @param zeros shown before anything is counted: an alert on a counter that does not exist yet never fires */
  constructor(zeros: Iterable<Labels> = []) {
    for (const labels of zeros) this.#series.at(labels);
  }

  add(labels: Labels, by = 1): void {
    this.#series.at(labels).value += by;
  }

  points(): NumberPoint[] {
    return Array.from(this.#series.entries(), ({ labels, state }) => ({ labels, value: state.value }));
  }
}

/** Counts of values up to fixed bounds, by labels, with the latest exemplar of each bucket. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #series: Series<{ counts: number[]; sum: number; exemplars: (Exemplar | undefined)[] }>;

  /** @param bounds upper, inclusive, ascending, without the infinite one */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#series = new Series(() => ({
      counts: new Array<number>(bounds.length + 1).fill(0),
      sum: 0,
      exemplars: new Array<Exemplar | undefined>(bounds.length + 1).fill(undefined),
    }));
  }

  /** @param exemplar where it was measured, of which the value is `value` */
  observe(labels: Labels, value: number, exemplar?: Omit<Exemplar, "value">): void {
    const series = this.#series.at(labels);
    let bucket = 0;
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) bucket++;
    series.counts[bucket]!++;
    series.sum += value;
    if (exemplar !== undefined) series.exemplars[bucket] = { ...exemplar, value };
  }

  points(): HistogramPoint[] {
    return Array.from(this.#series.entries(), ({ labels, state: { counts, sum, exemplars } }) => ({
      labels,
      bounds: this.#bounds,
      counts: [...counts],
      sum,
      exemplars: [...exemplars],
    }));
  }
}

/** Labels of one instrument have the same names in the same order. */
function keyOf(labels: Labels): string {
  return labels === OVERFLOW ? "\0overflow" : Object.values(labels).join("\0");
}
