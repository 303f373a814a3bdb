/** The peer of `otlp`: OpenTelemetry's SDK for JavaScript with its batching processor and its OTLP exporter. */
import { setImmediate as turn } from "node:timers/promises";
import { SpanKind } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { answerCalls } from "../measure/answer-calls.ts";
import { type Effort, effortOf } from "../measure/effort.ts";
import { Subject } from "../measure/subject.ts";
import { execEvents } from "./exec-events.ts";
import { type SdkSpan, toSdkSpan } from "./sdk-span.ts";

/** So many spans are ended until others get a turn: a program that never yields could not export while it works. */
const TURN_EVERY = 512;

/** What is left out is the SDK's default: 2048 spans queued, 512 in a batch, 30 exports at a time. */
export interface OtelSdkOptions {
  /** With `/v1/traces`. */
  url: string;
  maxQueueSize?: number;
  maxExportBatchSize?: number;
  concurrencyLimit?: number;
}

export interface Exported extends Effort {
  /** Spans whose export was reported a success. */
  exported: number;
}

/** Each call of it is one of the methods of {@link Host} in the other process. */
export class OtelSdk implements AsyncDisposable {
  readonly #subject: Subject;

  private constructor(subject: Subject) {
    this.#subject = subject;
  }

  static async start(options: OtelSdkOptions, core?: number): Promise<OtelSdk> {
    const subject = await Subject.start(new URL(import.meta.url), core);
    await subject.call("open", options);
    return new OtelSdk(subject);
  }

  /** Starts, ends and exports spans. */
  through(spans: number): Promise<Exported> {
    return this.#subject.call("through", spans);
  }

  /** Exports spans that were ended before: the processor and the exporter alone. */
  drain(spans: number): Promise<Exported> {
    return this.#subject.call("drain", spans);
  }

  /** Starts and ends all spans in one turn of the event loop, then flushes. */
  burst(spans: number): Promise<Exported> {
    return this.#subject.call("burst", spans);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#subject[Symbol.asyncDispose]();
  }
}

class Host {
  #exporter: WatchedExporter | undefined;
  #processor: BatchSpanProcessor | undefined;

  open({ url, concurrencyLimit, ...batching }: OtelSdkOptions): void {
    const limit = concurrencyLimit === undefined ? {} : { concurrencyLimit };
    this.#exporter = new WatchedExporter(new OTLPTraceExporter({ url, ...limit }));
    this.#processor = new BatchSpanProcessor({ exporter: this.#exporter, ...batching });
  }

  through(count: number): Promise<Exported> {
    const tracing = new Tracing(execEvents(count).map(toSdkSpan), this.#processor!);
    return this.#exported(async () => {
      for (let index = 0; index < count; index++) {
        tracing.record(index);
        if (index % TURN_EVERY === TURN_EVERY - 1) await turn();
      }
    });
  }

  drain(count: number): Promise<Exported> {
    const ended: ReadableSpan[] = [];
    const tracing = new Tracing(execEvents(count).map(toSdkSpan), new Collector(ended));
    for (let index = 0; index < count; index++) tracing.record(index);
    return this.#exported(async () => {
      for (const [index, span] of ended.entries()) {
        this.#processor!.onEnd(span);
        if (index % TURN_EVERY === TURN_EVERY - 1) await turn();
      }
    });
  }

  burst(count: number): Promise<Exported> {
    const tracing = new Tracing(execEvents(count).map(toSdkSpan), this.#processor!);
    return this.#exported(async () => {
      for (let index = 0; index < count; index++) tracing.record(index);
    });
  }

  async close(): Promise<void> {
    await this.#processor?.shutdown();
  }

  async #exported(work: () => Promise<void>): Promise<Exported> {
    const exporter = this.#exporter!;
    exporter.exported = 0;
    const effort = await effortOf(async () => {
      await work();
      // It rejects where an export failed, which shows in what was exported.
      await this.#processor!.forceFlush().catch(() => undefined);
      // It does not wait for what was under way before.
      while (exporter.underWay > 0) await turn();
    });
    return { ...effort, exported: exporter.exported };
  }
}

/** Tracers that a program would have: one for each resource. */
class Tracing {
  readonly #spans: readonly SdkSpan[];
  readonly #tracers;
  #next: SdkSpan | undefined;

  constructor(spans: readonly SdkSpan[], processor: SpanProcessor) {
    this.#spans = spans;
    const idGenerator = {
      generateSpanId: () => this.#next!.spanId,
      generateTraceId: () => this.#next!.traceId,
    };
    const resources = new Map(spans.map(({ sandboxId, resource }) => [sandboxId, resource]));
    const tracers = [...resources].map(([sandboxId, attributes]) => {
      const resource = resourceFromAttributes(attributes);
      const provider = new TracerProvider({ resource, spanProcessors: [processor], idGenerator });
      return [sandboxId, provider.getTracer("sandglass")] as const;
    });
    this.#tracers = new Map(tracers);
  }

  record(index: number): void {
    const span = this.#spans[index]!;
    this.#next = span;
    const { name, startTime, attributes, endTime } = span;
    const tracer = this.#tracers.get(span.sandboxId)!;
    tracer.startSpan(name, { kind: SpanKind.INTERNAL, startTime, attributes }, span.context).end(endTime);
  }
}

/** Knows when everything that was given to it is done with. */
class WatchedExporter implements SpanExporter {
  exported = 0;
  underWay = 0;
  readonly #exporter: SpanExporter;

  constructor(exporter: SpanExporter) {
    this.#exporter = exporter;
  }

  export: SpanExporter["export"] = (spans, done) => {
    this.underWay += 1;
    this.#exporter.export(spans, (result) => {
      this.underWay -= 1;
      if (result.error === undefined && result.code === 0) this.exported += spans.length;
      done(result);
    });
  };

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }
}

class Collector implements SpanProcessor {
  readonly #ended: ReadableSpan[];

  constructor(ended: ReadableSpan[]) {
    this.#ended = ended;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    this.#ended.push(span);
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}

if (import.meta.main) {
  const host = new Host();
  answerCalls(
    {
      open: (options: OtelSdkOptions) => host.open(options),
      through: (spans: number) => host.through(spans),
      drain: (spans: number) => host.drain(spans),
      burst: (spans: number) => host.burst(spans),
    },
    () => host.close(),
  );
}
