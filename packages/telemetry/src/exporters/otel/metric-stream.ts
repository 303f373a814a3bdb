import type { RuntimeEvent, RuntimeEventOf } from "@sandglass/protocol";
import type { LogEvent } from "../../delivery/log-event.ts";
import type { KeyValue, MetricsData, Scope } from "../../otlp/model.ts";
import type { KnownSandboxes } from "../../projections/otel-memory.ts";
import { EventMetrics, isMeasured, type Temporality } from "../../projections/otel-metrics.ts";
import { isSample, SampleProjection } from "../../projections/otel-samples.ts";
import type { SignalOutcome } from "./otlp-transport.ts";

const OK: SignalOutcome = { status: "ok" };
/** In one report: some two kilobytes each, and gRPC servers take four megabytes unless told otherwise. */
const MAX_SAMPLES = 1000;

/** What of a batch is counted in, event by event. */
export interface BatchCount {
  /** Once for each. @param event can be read by the names of its fields, and need not be kept @param record the same */
  absorb(event: RuntimeEvent, record: LogEvent): void;
  /** What {@link MetricStream.deliver} has to come up to for them; 0 where none is measured. */
  readonly upTo: number;
  /** How many are measured. */
  readonly measured: number;
}

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
  readonly #sandboxes: KnownSandboxes;
  readonly #encode: (data: MetricsData) => Uint8Array;
  readonly #post: (body: Uint8Array, abort: AbortSignal) => Promise<SignalOutcome>;
  /** Samples that are in no report yet, with the number of their batch. */
  #waiting: { record: LogEvent; batch: number }[] = [];
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
    /** Knows of every event that is counted in. */
    sandboxes: KnownSandboxes;
    encode: (data: MetricsData) => Uint8Array;
    post: (body: Uint8Array, abort: AbortSignal) => Promise<SignalOutcome>;
  }) {
    this.#service = options.service;
    this.#scope = options.scope;
    this.#metrics = new EventMetrics({ temporality: options.temporality });
    this.#samples = new SampleProjection(options.temporality);
    this.#sandboxes = options.sandboxes;
    this.#encode = options.encode;
    this.#post = options.post;
  }

  /**
   * Begins to count a batch in, which is done before anything else is asked of the stream.
   *
   * @param isOff reports are not sent at present: totals catch up, samples would only pile up and are left out
   */
  countBatch(isOff: boolean = false): BatchCount {
    const count = {
      upTo: 0,
      measured: 0,
      absorb: (event: RuntimeEvent, record: LogEvent): void => {
        if (!isMeasured(event)) return;
        count.measured += 1;
        if (isOff && isSample(event)) return;
        if (count.upTo === 0) count.upTo = ++this.#absorbed;
        if (isSample(event)) {
          // It may wait for longer than its batch does, whose memory it shares.
          record.moveTo(Buffer.from(record.payload));
          this.#waiting.push({ record, batch: count.upTo });
        } else this.#metrics.absorb(event, this.#sandboxes);
      },
    };
    return count;
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
    const [service, scope, memory] = [this.#service, this.#scope, this.#sandboxes];
    const samples = this.#waiting
      .splice(0, MAX_SAMPLES)
      .map(({ record }) => record.event as RuntimeEventOf<"resource.sample">);
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
