import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Context,
  context,
  createTraceState,
  isSpanContextValid,
  propagation,
  type SpanContext,
  trace,
} from "@opentelemetry/api";
import type { Traceparent } from "@sandglass/protocol";
import { formatBaggage, formatTraceparent, parseTraceparent } from "@sandglass/protocol";

/** Where a caller stands in a trace, as W3C headers. */
export interface TraceOptions {
  /** W3C `traceparent`. An invalid one is warned about once and not sent. */
  traceparent?: string | undefined;
  /** W3C `tracestate`; sent only together with a valid `traceparent`. */
  tracestate?: string | undefined;
  /** W3C `baggage`. */
  baggage?: string | undefined;
}

/**
 * In which trace a client, sandbox or run calls.
 *
 * A call takes the first that there is of: the tool call or agent it is made in, `own` (given to this sandbox or run), the active
 * OpenTelemetry span, the run that is open around it, `fallback` (given to the client, or SANDGLASS_TRACEPARENT), `origin` (the trace the
 * sandbox was created in).
 */
export interface Tracing {
  own?: TraceOptions | undefined;
  fallback?: TraceOptions | undefined;
  origin?: TraceOptions | undefined;
  /** The run that the caller's work belongs to. */
  runId?: string | undefined;
}

/** Headers that carry the caller's trace context. */
export type TraceHeaders = { traceparent?: string; tracestate?: string; baggage?: string };

/** A run that is open around the caller. */
export interface OpenRun {
  readonly runId: string;
  /** Of the daemon that has it: what is made on another one is no part of it. */
  readonly baseUrl: string;
  /** Of the run's own span. */
  readonly traceparent: string;
}

interface Surroundings {
  run: OpenRun;
  /** Of the tool call or agent; absent in the run itself. */
  innermost?: TraceOptions;
}

const surroundings = new AsyncLocalStorage<Surroundings>();

/**
 * Runs `fn` as the work of a run: what is asked of its daemon inside, however deep, belongs to it, and the run's span is the parent of whatever
 * has no nearer one, the program's own OpenTelemetry spans included.
 */
export function inRun<T>(run: OpenRun, fn: () => T): T {
  return surroundings.run({ run }, () => context.with(contextBelow(run), fn));
}

/** As {@link inRun}, in one of its tool calls or agents: every call made inside is a child of `parent`, above all else a {@link Tracing} says. */
export function inTrace<T>(parent: TraceOptions, run: OpenRun, fn: () => T): T {
  return surroundings.run({ run, innermost: parent }, () => context.with(contextBelow(parent), fn));
}

/** What {@link inTrace} says here; undefined outside of it. */
export function innermostTrace(): TraceOptions | undefined {
  return surroundings.getStore()?.innermost;
}

/** The run that is open here, where that daemon has it. */
export function openRunAt(baseUrl: string): string | undefined {
  const run = surroundings.getStore()?.run;
  return run?.baseUrl === baseUrl ? run.runId : undefined;
}

/**
 * The headers of one call; every request passes here. Empty where there is no trace to be part of.
 *
 * @param span the call's own, where it has one: what the daemon does becomes its child
 */
export function traceHeaders(tracing: Tracing | undefined, span?: SpanContext): TraceHeaders {
  const source = given(tracing) ?? activeContext() ?? otherwise(tracing);
  const baggage = source?.baggage ?? activeBaggage();
  const { traceparent, tracestate } = span === undefined ? (source ?? {}) : headersOf(span);
  return {
    ...(traceparent !== undefined && { traceparent }),
    ...(traceparent !== undefined && tracestate && { tracestate }),
    ...(baggage && { baggage }),
  };
}

/** What a call's own span is to be started in: the same precedence as {@link traceHeaders}. */
export function parentContext(tracing: Tracing | undefined): Context {
  const source = given(tracing) ?? (activeContext() === undefined ? otherwise(tracing) : undefined);
  return contextBelow(source);
}

/** The active context with that parent in it; unchanged where there is none. */
function contextBelow(source: TraceOptions | undefined): Context {
  const active = context.active();
  const parent = parseTraceparent(source?.traceparent);
  if (parent === undefined) return active;
  return trace.setSpanContext(active, {
    traceId: parent.traceId,
    spanId: parent.parentSpanId,
    traceFlags: parent.flags,
    isRemote: true,
    ...(source?.tracestate && { traceState: createTraceState(source.tracestate) }),
  });
}

function given(tracing: Tracing | undefined): TraceOptions | undefined {
  return innermostTrace() ?? tracing?.own;
}

/** Where no span is active: a program without OpenTelemetry has its open run. */
function otherwise(tracing: Tracing | undefined): TraceOptions | undefined {
  return surroundings.getStore()?.run ?? tracing?.fallback ?? tracing?.origin;
}

let isWarned = false;

/** The given options when their `traceparent` is valid; undefined, after one warning a process, when it is not. */
export function checkedTrace(given: TraceOptions, name = "traceparent"): TraceOptions | undefined {
  if (given.traceparent === undefined || given.traceparent === "") return undefined;
  const parsed: Traceparent | undefined = parseTraceparent(given.traceparent);
  if (parsed !== undefined) return given;
  if (!isWarned) {
    isWarned = true;
    process.emitWarning(
      `the ${name} ${JSON.stringify(given.traceparent.slice(0, 80))} is not a valid W3C traceparent and is not sent`,
      { type: "SandglassWarning", code: "SANDGLASS_TRACEPARENT" },
    );
  }
  return undefined;
}

/**
 * The active span as headers. Written here rather than by the registered propagator: the daemon speaks W3C,
 * whatever a program has set up for its other callees.
 */
function activeContext(): TraceOptions | undefined {
  const span = trace.getSpanContext(context.active());
  if (span === undefined || !isSpanContextValid(span)) return undefined;
  return { ...headersOf(span), baggage: activeBaggage() };
}

function headersOf(span: SpanContext): TraceOptions {
  return {
    traceparent: formatTraceparent(span.traceId, span.spanId, span.traceFlags),
    tracestate: span.traceState?.serialize(),
  };
}

function activeBaggage(): string | undefined {
  const entries = propagation.getActiveBaggage()?.getAllEntries();
  if (entries === undefined || entries.length === 0) return undefined;
  return formatBaggage(entries.map(([key, { value }]) => ({ key, value, properties: [] })));
}
