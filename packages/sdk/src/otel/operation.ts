import type { IncomingMessage } from "node:http";
import { type Attributes, type Context, context, type Span, SpanStatusCode } from "@opentelemetry/api";
import type { ExitEvent } from "@sandglass/protocol";
import { SandglassError } from "../errors.ts";
import { type TraceHeaders, type Tracing, traceHeaders } from "../tracing.ts";
import type { Instruments } from "./instruments.ts";

/** What an operation is told when it begins. */
export interface OperationStart {
  /** Without `sandglass.` */
  name: string;
  /** Whose child it is. */
  tracing: Tracing | undefined;
  /** On the span only. */
  attributes: () => Attributes;
  /** On the span and on the histogram. */
  server: Attributes;
}

/** What `@opentelemetry/core` calls the same: made of a registered symbol, so that this package need not depend on it. */
const SUPPRESS_TRACING = Symbol.for("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

/**
 * One operation of the API as its caller sees it, however many requests it takes: a CLIENT span, and one value of the histogram
 * `sandglass.client.operation.duration`. Where nobody collects spans there is none, and the headers are the caller's own trace.
 */
export class Operation {
  /** The trace context that each of its requests carries. */
  readonly headers: TraceHeaders;
  readonly #instruments: Instruments;
  readonly #metricAttributes: Attributes;
  readonly #span: Span | undefined;
  readonly #startedAt = performance.now();
  #resends = 0;
  #isEnded = false;

  constructor(instruments: Instruments, start: OperationStart) {
    this.#instruments = instruments;
    this.#metricAttributes = { "sandglass.operation": start.name, ...start.server };
    this.#span = instruments.startSpan(`sandglass.${start.name}`, start);
    this.headers = traceHeaders(start.tracing, this.#span?.spanContext());
    if (this.#span !== undefined) instruments.opened(this);
  }

  /**
   * Where a request is to be opened: there HTTP instrumentation makes no second span, whose context it would send in
   * place of this one's. Undefined without a span.
   */
  get requestContext(): Context | undefined {
    return this.#span && context.active().setValue(SUPPRESS_TRACING, true);
  }

  /** An answer has begun. */
  answered(response: IncomingMessage): void {
    this.#span?.setAttribute("http.response.status_code", response.statusCode ?? 0);
  }

  /** A request that broke is sent again. */
  resent(error: unknown): void {
    this.#resends += 1;
    this.#span?.setAttribute("http.request.resend_count", this.#resends);
    this.#span?.addEvent("sandglass.resend", { "error.type": errorType(error) });
  }

  /** A stream that broke is picked up again. */
  reconnecting(): void {
    this.#span?.addEvent("sandglass.reconnect");
  }

  set(attributes: Attributes): void {
    this.#span?.setAttributes(attributes);
  }

  /** Its exec has ended, and it with that; an exit code other than 0 is a result, not an error of the operation. */
  exited(exit: ExitEvent): void {
    this.#span?.setAttributes({ "process.exit.code": exit.code, "sandglass.cause": exit.cause });
    this.end();
  }

  /** It failed; the first ending counts. */
  fail(error: unknown): void {
    if (this.#isEnded) return;
    const type = errorType(error);
    this.#span?.setAttribute("error.type", type);
    this.#span?.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
    this.#span?.recordException(error instanceof Error ? error : String(error));
    this.#end({ "error.type": type });
  }

  /** It is over, and went well; the first ending counts. */
  end(): void {
    if (!this.#isEnded) this.#end({});
  }

  #end(outcome: Attributes): void {
    this.#isEnded = true;
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    this.#instruments.recordDuration(seconds, { ...this.#metricAttributes, ...outcome }, this.#span);
    if (this.#span === undefined) return;
    this.#span.end();
    this.#instruments.ended(this);
  }
}

/** The catalogue's code, so that there are few; else the error's class. */
function errorType(error: unknown): string {
  if (error instanceof SandglassError) return error.code;
  if (!(error instanceof Error)) return "_OTHER";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
