import type { RuntimeEvent, TraceInfo, TraceSpan } from "@sandglass/protocol";
import { parseMicroTime } from "./micro-time.ts";
import { isOpening, runningSpan, toSpan } from "./span.ts";

/** Collects the events of one trace, in the order of the log, into its spans and points in time. */
export class TraceProjection {
  readonly #traceId: string;
  readonly #spans: TraceSpan[] = [];
  readonly #points: TraceInfo["events"] = [];
  /** Beginnings without an ending so far. */
  readonly #open = new Map<string, RuntimeEvent>();
  #isEmpty = true;

  constructor(traceId: string) {
    this.#traceId = traceId;
  }

  apply(event: RuntimeEvent): void {
    this.#isEmpty = false;
    const key = keyOf(event);
    if (isOpening(event)) {
      this.#open.set(key, event);
      return;
    }
    const span = toSpan(event, this.#open.get(key));
    if (span) {
      this.#open.delete(key);
      this.#spans.push(span);
      return;
    }
    const { timestamp, type, spanId, sandboxId, data } = event;
    this.#points.push({ timestamp, type, spanId, sandboxId, data: { ...data } });
  }

  /** Spans by their start, those still running as long as it is at `now` (ISO 8601). Undefined where no event came. */
  toTrace(now: string): TraceInfo | undefined {
    if (this.#isEmpty) return undefined;
    const running = [...this.#open.values()].flatMap((opening) => runningSpan(opening, now) ?? []);
    const spans = [...this.#spans, ...running];
    const starts = new Map(spans.map((span) => [span, parseMicroTime(span.startTime)]));
    spans.sort((a, b) => starts.get(a)! - starts.get(b)!);
    return { traceId: this.#traceId, spans, events: this.#points };
  }
}

/** Says which ending belongs to which beginning. */
export function keyOf(event: RuntimeEvent): string {
  switch (event.type) {
    case "exec.started":
    case "exec.completed":
      return `exec ${event.data.execId}`;
    case "agent.tool_call":
    case "agent.tool_result":
      // What a sandbox says of a call ends none that someone else told of.
      return `tool ${event.runId} ${event.data.origin === "sandbox" ? event.sandboxId : ""} ${event.data.toolCallId}`;
    case "agent.started":
    case "agent.completed":
      return `agent ${event.runId} ${event.spanId}`;
    case "run.started":
    case "run.completed":
      return `run ${event.runId}`;
    default:
      return event.id;
  }
}
