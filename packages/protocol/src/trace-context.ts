import { normalizeBaggage } from "./baggage.ts";
import type { CallContext } from "./call-context.ts";
import { newTraceId } from "./ids.ts";
import { formatTracestate, parseTracestate } from "./tracestate.ts";
import { trimSpace } from "./trim-space.ts";

/** W3C trace-flags: the caller may have recorded the trace. */
export const FLAG_SAMPLED = 0x01;
/** W3C trace-flags, Level 2: at least the last 7 bytes of the trace-id are random. */
export const FLAG_RANDOM = 0x02;
/** Flags that Level 2 defines; it has a sender set every other to zero. */
const KNOWN_FLAGS = FLAG_SAMPLED | FLAG_RANDOM;

/** Length of a version 00 header, and the least of any later version. */
const TRACEPARENT_LENGTH = 55;
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/;

export interface Traceparent {
  traceId: string;
  parentSpanId: string;
  /** The whole byte as received; {@link formatTraceparent} sends on the flags that are defined. */
  flags: number;
}

/** A header as a server framework gives it: absent, one line, or several. */
export type HeaderValue = string | readonly string[] | undefined;

/** The part of a {@link CallContext} that headers carry. */
export type TraceContext = Pick<
  CallContext,
  "traceId" | "parentSpanId" | "traceFlags" | "tracestate" | "baggage"
>;

/**
 * Parses a `traceparent` (W3C Trace Context Level 2, section 3.2). Returns undefined for anything invalid, where
 * the caller starts a new trace: upper-case hex, all-zero ids, version `ff`, version `00` with more behind the flags,
 * several headers. A later version is read by its first four fields, whatever follows them behind a dash.
 */
export function parseTraceparent(header: HeaderValue): Traceparent | undefined {
  const text = trimSpace(singleHeader(header) ?? "");
  const match = TRACEPARENT.exec(text);
  if (match === null) return undefined;
  const [, version = "", traceId = "", parentSpanId = "", flags = ""] = match;
  if (version === "ff") return undefined;
  if (text.length > TRACEPARENT_LENGTH && (version === "00" || text[TRACEPARENT_LENGTH] !== "-")) {
    return undefined;
  }
  if (/^0+$/.test(traceId) || /^0+$/.test(parentSpanId)) return undefined;
  return { traceId, parentSpanId, flags: Number.parseInt(flags, 16) };
}

/**
 * A version 00 `traceparent` (also the form of a `traceresponse`).
 *
 * @param flags the trace-flags byte: `sampled` and `random` are sent on as they are, undefined bits as zero
 * @example formatTraceparent("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", 1)
 */
export function formatTraceparent(traceId: string, spanId: string, flags: number): string {
  return `00-${traceId}-${spanId}-0${(flags & KNOWN_FLAGS).toString(16)}`;
}

/**
 * The caller's place in a trace, from its headers. Never throws: without a valid `traceparent` a new trace starts
 * (parentSpanId "", sampled and random) and `tracestate`, which belongs to the old one, is dropped; a bad `tracestate` is dropped
 * whole; of a `baggage` the invalid members are.
 */
export function contextFromHeaders(headers: {
  traceparent?: HeaderValue;
  tracestate?: HeaderValue;
  baggage?: HeaderValue;
}): TraceContext {
  const parent = parseTraceparent(headers.traceparent);
  const baggage = normalizeBaggage(joinHeaders(headers.baggage));
  if (parent === undefined) {
    const traceFlags = FLAG_SAMPLED | FLAG_RANDOM;
    return { traceId: newTraceId(), parentSpanId: "", traceFlags, tracestate: "", baggage };
  }
  const members = parseTracestate(joinHeaders(headers.tracestate));
  return {
    traceId: parent.traceId,
    parentSpanId: parent.parentSpanId,
    traceFlags: parent.flags,
    tracestate: members === undefined ? "" : formatTracestate(members),
    baggage,
  };
}

/** What makes a child process continue the trace: OpenTelemetry's names for context carried by the environment. */
export interface TraceEnvironment {
  TRACEPARENT: string;
  /** Absent where empty. */
  TRACESTATE?: string;
  /** Absent where empty. */
  BAGGAGE?: string;
}

/**
 * Environment of a process that `context.spanId` is the parent of.
 *
 * @param context where `spanId` is the operation's own span (of an exec: the exec's), not the caller's
 */
export function traceEnvironment(
  context: Pick<TraceContext, "traceId" | "traceFlags" | "tracestate" | "baggage"> & { spanId: string },
): TraceEnvironment {
  const environment: TraceEnvironment = {
    TRACEPARENT: formatTraceparent(context.traceId, context.spanId, context.traceFlags),
  };
  if (context.tracestate !== "") environment.TRACESTATE = context.tracestate;
  if (context.baggage !== "") environment.BAGGAGE = context.baggage;
  return environment;
}

/** Several `traceparent` headers contradict each other: none is believed. */
function singleHeader(header: HeaderValue): string | undefined {
  if (header === undefined || typeof header === "string") return header;
  return header.length === 1 ? header[0] : undefined;
}

/** List headers sent more than once are one list (RFC 9110 section 5.3). */
function joinHeaders(header: HeaderValue): string {
  if (header === undefined) return "";
  return typeof header === "string" ? header : header.join(",");
}
