import type { RuntimeEvent } from "@sandglass/protocol";
import type { LogEvent } from "../../delivery/log-event.ts";
import { encodeMetrics } from "../../otlp/encode-metrics.ts";
import type { KeyValue, MetricsData, Scope } from "../../otlp/model.ts";
import { toJson } from "../../otlp/to-json.ts";
import { openingAttributes } from "../../projections/otel-attributes.ts";
import { projectBatch, type Wanted } from "../../projections/otel-batch.ts";
import { OtelBatchWriter, type WrittenBatch } from "../../projections/otel-batch-writer.ts";
import { type KnownSandboxes, OtelMemory } from "../../projections/otel-memory.ts";

/** What sends. */
export interface Sending {
  /** Attributes of the resource (`serviceResource`). */
  readonly service: readonly KeyValue[];
  readonly scope: Scope;
}

/** Requests as bytes, in the encoding of one protocol. */
export interface OtlpEncoder {
  metrics(data: MetricsData): Buffer;
  /** A request of nothing, of any signal. */
  readonly nothing: Buffer;
  /** For the life of an exporter: what earlier events said is told with later ones. */
  batches(sending: Sending): BatchEncoder;
}

/** Batches of events as requests of traces and logs. */
export interface BatchEncoder {
  readonly sandboxes: KnownSandboxes;
  /** See `OtelBatchWriter.write`. */
  write(
    events: readonly LogEvent[],
    wanted: (index: number) => Wanted,
    observe: (event: RuntimeEvent, index: number) => void,
  ): WrittenBatch;
  /** A request that was written is delivered: it is not looked at any more. */
  release(request: Uint8Array): void;
}

export const jsonEncoder: OtlpEncoder = {
  metrics: (data) => Buffer.from(toJson(data)),
  nothing: Buffer.from("{}"),
  batches: (sending) => new JsonBatches(sending),
};

export function protobufEncoder(): OtlpEncoder {
  // Room for as much as the report before it took: a buffer that has to grow is copied.
  let sizeHint = 0;
  return {
    metrics(data) {
      const bytes = encodeMetrics(data, sizeHint);
      sizeHint = Math.ceil(bytes.length * 1.125);
      return bytes;
    },
    nothing: Buffer.alloc(0),
    batches: (sending) => new OtelBatchWriter(sending),
  };
}

class JsonBatches implements BatchEncoder {
  readonly #sending: Sending;
  readonly #memory = new OtelMemory(openingAttributes);

  constructor(sending: Sending) {
    this.#sending = sending;
  }

  get sandboxes(): KnownSandboxes {
    return this.#memory;
  }

  write(
    events: readonly LogEvent[],
    wanted: (index: number) => Wanted,
    observe: (event: RuntimeEvent, index: number) => void,
  ): WrittenBatch {
    const parsed = events.map((event) => event.parse());
    const indices = [...parsed.keys()];
    const readable = indices.filter((index) => parsed[index] !== undefined);
    const { traces, logs, spanCount, logCount } = projectBatch(
      readable.map((index) => parsed[index]!),
      (place) => wanted(readable[place]!),
      { ...this.#sending, memory: this.#memory },
    );
    for (const index of readable) observe(parsed[index]!, index);
    return {
      traces: spanCount === 0 ? undefined : Buffer.from(toJson(traces)),
      logs: logCount === 0 ? undefined : Buffer.from(toJson(logs)),
      spanCount,
      logCount,
      unreadable: indices.filter((index) => parsed[index] === undefined),
    };
  }

  release(): void {}
}
