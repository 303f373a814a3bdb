import type { RuntimeEvent } from "@sandglass/protocol";
import type { KeyValue } from "../otlp/model.ts";
import { openingAttributes } from "./otel-attributes.ts";
import { RecentMap } from "./otel-recent-map.ts";
import { microsOf } from "./otel-time.ts";
import { isOpening } from "./span.ts";
import { keyOf } from "./trace.ts";

export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
}

/** What the beginning of a span said that its ending may not. */
export interface Opening extends SpanContext {
  readonly parentSpanId: string;
  readonly startMicros: number;
  readonly attributes: readonly KeyValue[];
}

interface KnownSandbox {
  readonly template: string;
  /** Of its `sandbox.created`; undefined where only a later event was seen. */
  readonly created: SpanContext | undefined;
}

/** Sandboxes and runs of some hours, at a few hundred bytes each. */
const MAX_KNOWN = 10_000;
/** Of openings: characters, since a tool's arguments are among them. */
const MAX_OPENING_WEIGHT = 4_000_000;
const OPENING_WEIGHT = 500;

/**
 * What earlier events said that later ones are told with: beginnings of spans, the root span of each run, and the template and the
 * creation of each sandbox. Bounded, and lost with the process: what is not known is left out.
 */
export class OtelMemory {
  readonly #openings = new RecentMap<Opening>(MAX_OPENING_WEIGHT);
  readonly #runs = new RecentMap<SpanContext>(MAX_KNOWN);
  readonly #sandboxes = new RecentMap<KnownSandbox>(MAX_KNOWN);

  /** To be called with every event, in the order of the log. The same event twice is as once. */
  observe(event: RuntimeEvent): void {
    if (isOpening(event)) this.#observeOpening(event);
    switch (event.type) {
      case "run.started":
        this.#runs.set(event.runId, contextOf(event));
        break;
      case "sandbox.created":
        this.#sandboxes.set(event.sandboxId, { template: event.data.template, created: contextOf(event) });
        break;
      case "sandbox.claimed":
      case "sandbox.booted":
      case "sandbox.started":
        if (this.#sandboxes.get(event.sandboxId) === undefined) {
          this.#sandboxes.set(event.sandboxId, { template: event.data.template, created: undefined });
        }
    }
  }

  /** How the span that ends with `event` began. */
  openingOf(event: RuntimeEvent): Opening | undefined {
    switch (event.type) {
      case "exec.completed":
      case "agent.tool_result":
      case "run.completed":
        return this.#openings.get(keyOf(event));
      default:
        return undefined;
    }
  }

  rootOfRun(runId: string): SpanContext | undefined {
    return runId === "" ? undefined : this.#runs.get(runId);
  }

  sandbox(sandboxId: string): KnownSandbox | undefined {
    return sandboxId === "" ? undefined : this.#sandboxes.get(sandboxId);
  }

  #observeOpening(event: RuntimeEvent): void {
    const attributes = openingAttributes(event);
    let weight = OPENING_WEIGHT;
    for (const { value } of attributes) weight += value?.stringValue?.length ?? 0;
    const { traceId, spanId, parentSpanId } = event;
    const opening = { traceId, spanId, parentSpanId, startMicros: microsOf(event.timestamp), attributes };
    this.#openings.set(keyOf(event), opening, weight);
  }
}

function contextOf({ traceId, spanId }: RuntimeEvent): SpanContext {
  return { traceId, spanId };
}
