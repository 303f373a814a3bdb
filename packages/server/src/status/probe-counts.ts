import type { HistogramPoint, NumberPoint } from "../metrics/family.ts";
import { Counter, Histogram } from "../metrics/instruments.ts";
import type { Observation } from "./component-spec.ts";

/** Seconds. From an answer of this daemon's to a canary at its time limit. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What probes found since the daemon's start, and how long that took. */
export class ProbeCounts {
  readonly #found = new Counter();
  readonly #durations = new Histogram(BOUNDS);

  add(component: string, { status, latencyMs }: Observation): void {
    const labels = { "sandglass.component": component };
    this.#found.add({ ...labels, "sandglass.state": status });
    // How soon something fails says nothing of how long it takes.
    const isWell = status === "operational" || status === "degraded_performance";
    if (isWell && latencyMs !== undefined) this.#durations.observe(labels, latencyMs / 1000);
  }

  found(): NumberPoint[] {
    return this.#found.points();
  }

  durations(): HistogramPoint[] {
    return this.#durations.points();
  }
}
