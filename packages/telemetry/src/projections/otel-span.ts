import type { RuntimeEvent } from "@sandglass/protocol";
import { type KeyValue, type OtlpLink, type OtlpSpan, SPAN_KIND, STATUS_CODE } from "../otlp/model.ts";
import { attribute } from "./otel-attributes.ts";
import type { OtelMemory, SpanContext } from "./otel-memory.ts";
import { microsOf, nanosOf } from "./otel-time.ts";
import { hasFailed, isOpening, spanName } from "./span.ts";

/** Whether a span ends with this event. */
export function endsSpan(event: RuntimeEvent): boolean {
  return "durationMs" in event.data && spanName(event) !== undefined && !isOpening(event);
}

/**
 * The span that ends with `event`, by the design's table: what `toSpan` tells, as OTLP. Undefined where it is a point in time or only
 * begins one.
 *
 * It ends when the event says and begins with the event that opened it, where `memory` has that, else `durationMs` before. It is
 * linked to the root span of its run, a fork and a merge also to the creation of the sandboxes concerned; a link says which by
 * `sandglass.link.type`: `run`, `fork_child` or `merge_winner`. The status of what went well is left unset, as the conventions
 * have it.
 *
 * @param attributes all that the event says (`attributesOf`)
 */
export function toOtelSpan(
  event: RuntimeEvent,
  attributes: KeyValue[],
  memory: OtelMemory,
): OtlpSpan | undefined {
  const name = spanName(event);
  if (name === undefined || isOpening(event) || !("durationMs" in event.data)) return undefined;
  const opening = memory.openingOf(event);
  const endMicros = microsOf(event.timestamp);
  const startMicros = opening?.startMicros ?? endMicros - Math.round(event.data.durationMs * 1000);
  const spanId = opening?.spanId ?? event.spanId;
  const links = linksOf(event, spanId, memory);
  return {
    traceId: event.traceId,
    spanId,
    parentSpanId: opening?.parentSpanId ?? event.parentSpanId,
    name,
    kind: event.type === "http.request" ? SPAN_KIND.SERVER : SPAN_KIND.INTERNAL,
    startTimeUnixNano: nanosOf(startMicros),
    // A clock that was set back in between must not make a span that ends before it begins.
    endTimeUnixNano: nanosOf(Math.max(startMicros, endMicros)),
    attributes: opening?.attributes.length ? attributes.concat(opening.attributes) : attributes,
    ...(links !== undefined && { links }),
    // Empty where it went well, and still there: some back ends read its code without looking whether there is one.
    status: hasFailed(event) ? { code: STATUS_CODE.ERROR, message: failureOf(event) } : {},
  };
}

function linksOf(event: RuntimeEvent, spanId: string, memory: OtelMemory): OtlpLink[] | undefined {
  const root = memory.rootOfRun(event.runId);
  const links = root === undefined || root.spanId === spanId ? [] : [link(root, "run")];
  if (event.type === "sandbox.forked") {
    for (const child of event.data.children) addSandbox(links, child, "fork_child", memory);
  }
  if (event.type === "sandbox.merged") addSandbox(links, event.data.winner, "merge_winner", memory);
  return links.length === 0 ? undefined : links;
}

function addSandbox(links: OtlpLink[], sandboxId: string, type: string, memory: OtelMemory): void {
  const created = memory.sandbox(sandboxId)?.created;
  if (created !== undefined) links.push(link(created, type, attribute("sandglass.sandbox.id", sandboxId)));
}

function link({ traceId, spanId }: SpanContext, type: string, ...more: KeyValue[]): OtlpLink {
  return { traceId, spanId, attributes: [attribute("sandglass.link.type", type), ...more] };
}

/** In words, of an event that `hasFailed`: what a person sees beside the red span. */
function failureOf(event: RuntimeEvent): string {
  switch (event.type) {
    case "exec.completed": {
      const { cause, reason, exitCode } = event.data;
      if (cause === "exited") return `exit code ${exitCode}`;
      return reason === undefined ? cause : `${cause}: ${reason}`;
    }
    case "sandbox.terminated": {
      const { cause, reason } = event.data;
      return reason === undefined ? cause : `${cause}: ${reason}`;
    }
    case "http.request":
      return event.data.errorCode ?? `status ${event.data.status}`;
    case "agent.tool_result":
      return "the tool reported an error";
    case "run.completed":
      return event.data.error ?? event.data.status;
    default:
      return "";
  }
}
