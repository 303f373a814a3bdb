import type { RuntimeEvent } from "@sandglass/protocol";
import { type KeyValue, type OtlpLink, type OtlpSpan, SPAN_KIND, STATUS_CODE } from "../otlp/model.ts";
import { execFailure } from "./exec-failure.ts";
import { attribute } from "./otel-attribute.ts";
import type { OtelMemory, SpanContext, SpanContexts } from "./otel-memory.ts";
import { microsOf, nanosOf } from "./otel-time.ts";
import { hasFailed, isOpening, spanName } from "./span.ts";

const NO_LINKS: readonly OtlpLink[] = [];
/** Empty, and still there: some back ends read its code without looking whether there is one. */
const WENT_WELL = {};

/** Whether a span ends with this event. */
export function endsSpan(event: RuntimeEvent): boolean {
  return !isOpening(event) && spanName(event) !== undefined;
}

/**
 * Whether the event was read out of a span that someone else sent, and that is passed on as it is: told once more, under the same id, it
 * would be there twice. Reads fields by their names alone.
 */
export function isDerived(event: RuntimeEvent): boolean {
  return event.type === "agent.tool_result" && event.data.origin !== undefined;
}

/**
 * The span that ends with `event`, by the design's table: what `toSpan` tells, as OTLP. Undefined where it is a point in time or only
 * begins one.
 *
 * When it begins and ends says {@link spanMicros}. It is
 * linked to the root span of its run, a fork and a merge also to the creation of the sandboxes concerned; a link says which by
 * `sandglass.link.type`: `run`, `fork_child` or `merge_winner`. The status of what went well is left unset, as the conventions
 * have it.
 *
 * @param attributes all that the event says (`attributesOf`)
 */
export function toOtelSpan(
  event: RuntimeEvent,
  attributes: KeyValue[],
  memory: OtelMemory<readonly KeyValue[]>,
): OtlpSpan | undefined {
  const name = spanName(event);
  if (name === undefined || isOpening(event) || !("durationMs" in event.data) || isDerived(event))
    return undefined;
  const { durationMs } = event.data;
  if (durationMs === undefined) return undefined;
  const opening = memory.openingOf(event);
  const [startMicros, endMicros] = spanMicros(event, durationMs, microsOf(event.timestamp), opening);
  const spanId = opening?.spanId ?? event.spanId;
  const links = linksOf(event, opening, memory);
  return {
    traceId: event.traceId,
    spanId,
    parentSpanId: opening?.parentSpanId ?? event.parentSpanId,
    name,
    kind: event.type === "http.request" ? SPAN_KIND.SERVER : SPAN_KIND.INTERNAL,
    startTimeUnixNano: nanosOf(startMicros),
    endTimeUnixNano: nanosOf(endMicros),
    attributes: opening?.attributes.length ? attributes.concat(opening.attributes) : attributes,
    ...(links.length > 0 && { links: [...links] }),
    status: statusOf(event),
  };
}

/**
 * The start and the end of the span that ends with `event`, in microseconds: from the event that opened it, else `durationMs` before the end, to
 * the event's own time. What a crash took had ended long before that was recorded: it ends `durationMs` behind its opening. A clock that was
 * set back in between makes no span that ends before it begins. Reads fields by their names alone.
 *
 * @param atMicros the event's time
 */
export function spanMicros(
  event: RuntimeEvent,
  durationMs: number,
  atMicros: number,
  opening: { readonly startMicros: number } | undefined,
): [start: number, end: number] {
  const lengthMicros = Math.round(durationMs * 1000);
  const startMicros = opening?.startMicros ?? atMicros - lengthMicros;
  const isLost = event.type === "exec.completed" && event.data.cause === "host_crash";
  return [startMicros, isLost ? startMicros + lengthMicros : Math.max(startMicros, atMicros)];
}

/** The links of the span that ends with `event`. Reads fields by their names alone. */
export function linksOf(
  event: RuntimeEvent,
  opening: SpanContext | undefined,
  memory: SpanContexts,
): readonly OtlpLink[] {
  const root = memory.rootOfRun(event.runId);
  const isLinked = root !== undefined && root.spanId !== (opening ?? event).spanId;
  const toRun = isLinked ? [link(root, "run")] : NO_LINKS;
  switch (event.type) {
    case "sandbox.forked":
      return [...toRun, ...event.data.children.flatMap((child) => toSandbox(child, "fork_child", memory))];
    case "sandbox.merged":
      return [...toRun, ...toSandbox(event.data.winner, "merge_winner", memory)];
    default:
      return toRun;
  }
}

function toSandbox(sandboxId: string, type: string, memory: SpanContexts): readonly OtlpLink[] {
  const created = memory.sandbox(sandboxId)?.created;
  return created === undefined
    ? NO_LINKS
    : [link(created, type, attribute("sandglass.sandbox.id", sandboxId))];
}

function link({ traceId, spanId }: SpanContext, type: string, ...more: KeyValue[]): OtlpLink {
  return { traceId, spanId, attributes: [attribute("sandglass.link.type", type), ...more] };
}

/** Of the span that ends with `event`. Reads fields by their names alone. */
export function statusOf(event: RuntimeEvent): NonNullable<OtlpSpan["status"]> {
  return hasFailed(event) ? { code: STATUS_CODE.ERROR, message: failureOf(event) } : WENT_WELL;
}

/** In words, of an event that `hasFailed`: what a person sees beside the red span. */
function failureOf(event: RuntimeEvent): string {
  switch (event.type) {
    case "exec.completed":
      return execFailure(event.data);
    case "sandbox.terminated": {
      const { cause, reason } = event.data;
      return reason === undefined ? cause : `${cause}: ${reason}`;
    }
    case "file.error":
      return event.data.message;
    case "http.request":
      return event.data.errorCode ?? `status ${event.data.status}`;
    case "agent.tool_result":
      return "the tool reported an error";
    case "agent.completed":
    case "run.completed":
      return event.data.error ?? event.data.status;
    default:
      return "";
  }
}
