import type { RuntimeEventOf } from "@sandglass/protocol";
import type { LogEvent } from "../../delivery/log-event.ts";
import type { KeyValue, MetricsData, Scope } from "../../otlp/model.ts";
import type { OtelMemory } from "../../projections/otel-memory.ts";
import { EventMetrics, isMeasured, type Temporality } from "../../projections/otel-metrics.ts";
import { isSample, SampleProjection } from "../../projections/otel-samples.ts";
import type { SignalOutcome } from "./otlp-transport.ts";

const OK: SignalOutcome = { status: "ok" };
/** In one report: some two kilobytes each, and gRPC servers take four megabytes unless told otherwise. */
const MAX_SAMPLES = 1000;

interface Report {
  /** Undefined where nothing changed. */
  body: Uint8Array | undefined;
  /** The number of the last batch that is told of with it and those before. */
  upTo: number;
}

/**
 * The metrics of all batches as one stream of reports, one under way at a time: batches may overtake each other, totals must not. A
 * report that did not arrive is sent again as it was before the next is made, so no measurement is in two. Samples of sandboxes go
 * along, each as it was.
 */
export class MetricStream {
  readonly #service: readonly KeyValue[];
  readonly #scope: Scope;
  readonly #metrics: EventMetrics;
  readonly #samples: SampleProjection;
  readonly #memory: OtelMemory;
  readonly #encode: (data: MetricsData) => Uint8Array;
  readonly #post: (body: Uint8Array, abort: AbortSignal) => Promise<SignalOutcome>;
  /** Samples that are in no report yet, with the number of their batch. */
  #waiting: { event: RuntimeEventOf<"resource.sample">; batch: number }[] = [];
  /** How many batches were counted in, and how many of them were reported. */
  #absorbed = 0;
  #delivered = 0;
  #report: Report | undefined;
  #posting: Promise<SignalOutcome> | undefined;

  constructor(options: {
    /** Attributes of what sends. */
    service: readonly KeyValue[];
    scope: Scope;
    temporality: Temporality;
    memory: OtelMemory;
    encode: (data: MetricsData) => Uint8Array;
    post: (body: Uint8Array, abort: AbortSignal) => Promise<SignalOutcome>;
  }) {
    this.#service = options.service;
    this.#scope = options.scope;
    this.#metrics = new EventMetrics({ temporality: options.temporality });
    this.#samples = new SampleProjection(options.temporality);
    this.#memory = options.memory;
    this.#encode = options.encode;
    this.#post = options.post;
  }

  /**
   * Counts events in, once and for all. Returns what {@link deliver} has to come up to for them; 0 where none is measured.
   *
   * @param isOff reports are not sent at present: totals catch up, samples would only pile up and are left out
   */
  absorb(events: readonly LogEvent[], isOff: boolean = false): number {
    const measured = events.filter(({ event }) => isMeasured(event) && !(isOff && isSample(event)));
    if (measured.length === 0) return 0;
    this.#absorbed += 1;
    for (const { event } of measured) {
      if (isSample(event)) this.#waiting.push({ event, batch: this.#absorbed });
      else this.#metrics.absorb(event, this.#memory);
    }
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
    const [service, scope, memory] = [this.#service, this.#scope, this.#memory];
    const samples = this.#waiting.splice(0, MAX_SAMPLES).map(({ event }) => event);
    const resourceMetrics = this.#samples.project(samples, { service, scope, memory });
    const metrics = this.#metrics.collect();
    if (metrics.length > 0) {
      const resource = { attributes: [...service] };
      resourceMetrics.unshift({ resource, scopeMetrics: [{ scope, metrics }] });
    }
    const [next] = this.#waiting;
    const body = resourceMetrics.length === 0 ? undefined : this.#encode({ resourceMetrics });
    return { body, upTo: next === undefined ? this.#absorbed : next.batch - 1 };
  }
}
