import type { LogEvent } from "../../delivery/log-event.ts";
import type { OtlpMetric } from "../../otlp/model.ts";
import type { OtelMemory } from "../../projections/otel-memory.ts";
import { EventMetrics, isMeasured, type Temporality } from "../../projections/otel-metrics.ts";
import type { SignalOutcome } from "./otlp-transport.ts";

const OK: SignalOutcome = { status: "ok" };

interface Report {
  /** Undefined where nothing changed. */
  body: Uint8Array | undefined;
  /** The number of the last batch in it. */
  upTo: number;
}

/**
 * The metrics of all batches as one stream of reports, one under way at a time: batches may overtake each other, totals must not. A
 * report that did not arrive is sent again as it was before the next is made, so no measurement is in two.
 */
export class MetricStream {
  readonly #metrics: EventMetrics;
  readonly #memory: OtelMemory;
  readonly #encode: (metrics: OtlpMetric[]) => Uint8Array;
  readonly #post: (body: Uint8Array, abort: AbortSignal) => Promise<SignalOutcome>;
  /** How many batches were counted in, and how many of them were reported. */
  #absorbed = 0;
  #delivered = 0;
  #report: Report | undefined;
  #posting: Promise<SignalOutcome> | undefined;

  constructor(options: {
    temporality: Temporality;
    memory: OtelMemory;
    encode: (metrics: OtlpMetric[]) => Uint8Array;
    post: (body: Uint8Array, abort: AbortSignal) => Promise<SignalOutcome>;
  }) {
    this.#metrics = new EventMetrics({ temporality: options.temporality });
    this.#memory = options.memory;
    this.#encode = options.encode;
    this.#post = options.post;
  }

  /** Counts events in, once and for all. Returns what {@link deliver} has to come up to for them; 0 where none is measured. */
  absorb(events: readonly LogEvent[]): number {
    const measured = events.filter(({ event }) => isMeasured(event));
    if (measured.length === 0) return 0;
    for (const { event } of measured) this.#metrics.absorb(event, this.#memory);
    this.#absorbed += 1;
    return this.#absorbed;
  }

  /** Resolves when the destination has everything up to a number that {@link absorb} gave, or what keeps it from having it. */
  async deliver(upTo: number, abort: AbortSignal): Promise<SignalOutcome> {
    let told = OK;
    while (upTo > this.#delivered) {
      const isMine = this.#posting === undefined;
      this.#posting ??= this.#postNext(abort).finally(() => {
        this.#posting = undefined;
      });
      const outcome = await this.#posting;
      if (outcome.status === "retry" || outcome.status === "unsupported") return outcome;
      // What was rejected of a report is told once, by the batch that sent it; that all of it was, by every batch in it.
      if (isMine || (outcome.status === "fail" && upTo <= this.#delivered)) told = outcome;
    }
    return told;
  }

  async #postNext(abort: AbortSignal): Promise<SignalOutcome> {
    this.#report ??= this.#newReport();
    const { body, upTo } = this.#report;
    const outcome = body === undefined ? OK : await this.#post(body, abort);
    if (outcome.status === "ok" || outcome.status === "fail") {
      // What is refused for good would be refused again; totals come again with the next report.
      this.#report = undefined;
      this.#delivered = upTo;
    }
    return outcome;
  }

  #newReport(): Report {
    const metrics = this.#metrics.collect();
    return { body: metrics.length === 0 ? undefined : this.#encode(metrics), upTo: this.#absorbed };
  }
}
