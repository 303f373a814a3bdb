import {
  type Attributes,
  context,
  createNoopMeter,
  type Histogram,
  isSpanContextValid,
  type MeterProvider,
  metrics,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type Tracer,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import { ConnectionError } from "../errors.ts";
import { parentContext } from "../tracing.ts";
import { VERSION } from "../version.ts";
import type { Operation, OperationStart } from "./operation.ts";
import type { PrivateProvider } from "./private-provider.ts";

const SCOPE = "sandglass";

/** Seconds: those of the HTTP conventions, and on to what an exec may take. */
const BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300];

/** Made once for each provider, as the API has no proxy for one that is registered later; undefined for the one that does nothing. */
const histograms = new WeakMap<MeterProvider, Histogram | undefined>();

/** Resolves with undefined where it cannot be brought up and need not be. */
export type LoadProvider = () => Promise<PrivateProvider | undefined>;

/**
 * Where one client's spans and durations go: to the providers that the program has registered, which are looked for at each
 * operation, else to the private one, else nowhere.
 */
export class Instruments {
  readonly #open = new Set<Operation>();
  #load: LoadProvider | undefined;
  #loading: Promise<void> | undefined;
  #own: PrivateProvider | undefined;

  /** @param load brings the private provider up, at the first operation that finds none registered; absent: there is to be none */
  constructor(load?: LoadProvider) {
    this.#load = load;
  }

  /** What is to be awaited before the first operation; undefined where there is nothing. */
  ready(): Promise<void> | undefined {
    if (this.#load === undefined || globalTracer() !== undefined) return undefined;
    this.#loading ??= this.#load().then((own) => {
      this.#own = own;
      this.#load = undefined;
    });
    return this.#loading;
  }

  /** Undefined where nobody collects spans, or the program has suppressed them here. */
  startSpan(name: string, start: OperationStart): Span | undefined {
    const tracer = globalTracer() ?? this.#own?.tracerProvider.getTracer(SCOPE, VERSION);
    if (tracer === undefined) return undefined;
    const parent = parentContext(start.tracing);
    const active = trace.getSpanContext(context.active());
    // Who asked, where the operation hangs elsewhere: below a run, or in the trace that the sandbox was given.
    const isElsewhere = active !== undefined && active.spanId !== trace.getSpanContext(parent)?.spanId;
    const span = tracer.startSpan(
      name,
      {
        kind: SpanKind.CLIENT,
        attributes: { ...start.attributes(), ...start.server },
        ...(isElsewhere && isSpanContextValid(active) && { links: [{ context: active }] }),
      },
      parent,
    );
    return isSpanContextValid(span.spanContext()) ? span : undefined;
  }

  /** @param span becomes the value's exemplar where the provider keeps such */
  recordDuration(seconds: number, attributes: Attributes, span: Span | undefined): void {
    const histogram =
      histogramOf(metrics.getMeterProvider()) ?? (this.#own && histogramOf(this.#own.meterProvider));
    if (histogram === undefined) return;
    histogram.record(
      seconds,
      attributes,
      span === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, span),
    );
  }

  opened(operation: Operation): void {
    this.#open.add(operation);
  }

  ended(operation: Operation): void {
    this.#open.delete(operation);
  }

  /** Ends what is still open, and sends on what the private provider holds. The program's own provider is the program's to flush. */
  async close(): Promise<void> {
    const closed = new ConnectionError("the client was closed");
    for (const operation of [...this.#open]) operation.fail(closed);
    // A client that is closed while it loads its provider has used none.
    await this.#loading?.catch(() => undefined);
    const own = this.#own;
    this.#own = undefined;
    this.#load = undefined;
    await own?.release();
  }
}

/** Of the provider that the program has registered; undefined where it has none. */
function globalTracer(): Tracer | undefined {
  const provider: TracerProvider & Partial<Pick<Proxied, "getDelegateTracer">> = trace.getTracerProvider();
  // The API's own stand-in tells what is behind it; what it hands out itself would be a no-op that cannot be told from a span.
  return provider.getDelegateTracer === undefined
    ? provider.getTracer(SCOPE, VERSION)
    : provider.getDelegateTracer(SCOPE, VERSION);
}

interface Proxied {
  getDelegateTracer(name: string, version?: string): Tracer | undefined;
}

function histogramOf(provider: MeterProvider): Histogram | undefined {
  if (histograms.has(provider)) return histograms.get(provider);
  const meter = provider.getMeter(SCOPE, VERSION);
  const options = {
    unit: "s",
    description: "How long the operations of the client took, streams to their end.",
    advice: { explicitBucketBoundaries: BOUNDARIES },
  };
  const histogram =
    meter === createNoopMeter()
      ? undefined
      : meter.createHistogram("sandglass.client.operation.duration", options);
  histograms.set(provider, histogram);
  return histogram;
}
