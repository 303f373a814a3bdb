import type { EventType, RuntimeEvent } from "@sandglass/protocol";
import type { KeyValue } from "../otlp/model.ts";
import { RecentMap } from "./otel-recent-map.ts";
import { microsOf } from "./otel-time.ts";
import { isOpening } from "./span.ts";
import { keyOf } from "./trace.ts";

export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
}

/** Attributes as they are kept: as a model, or encoded. */
type KeptAttributes = readonly KeyValue[] | Uint8Array;

/** What the beginning of a span said that its ending may not. */
export interface Opening<Attributes extends KeptAttributes> extends SpanContext {
  readonly parentSpanId: string;
  readonly startMicros: number;
  readonly attributes: Attributes;
}

export interface KnownSandbox {
  readonly template: string;
  /** Of its `sandbox.created`; undefined where only a later event was seen. */
  readonly created: SpanContext | undefined;
}

/** What is known of sandboxes. */
export interface KnownSandboxes {
  sandbox(sandboxId: string): KnownSandbox | undefined;
}

/** What spans are linked to. */
export interface SpanContexts extends KnownSandboxes {
  rootOfRun(runId: string): SpanContext | undefined;
}

/** Sandboxes and runs of some hours, at a few hundred bytes each. */
const MAX_KNOWN = 10_000;
/** Of openings: characters or bytes, since a tool's arguments are among them. */
const MAX_OPENING_WEIGHT = 4_000_000;
const OPENING_WEIGHT = 500;

/** Of types that are remembered and begin no span. */
const REMEMBERED: ReadonlySet<EventType> = new Set<EventType>([
  "run.started",
  "sandbox.created",
  "sandbox.claimed",
  "sandbox.booted",
  "sandbox.started",
]);

/** Whether {@link OtelMemory.observe} keeps anything of events of this one's type. */
export function isRemembered(event: RuntimeEvent): boolean {
  return isOpening(event) || REMEMBERED.has(event.type);
}

/**
 * What earlier events said that later ones are told with: beginnings of spans, the root span of each run, and the template and the
 * creation of each sandbox. Bounded, and lost with the process: what is not known is left out.
 */
export class OtelMemory<Attributes extends KeptAttributes> implements SpanContexts {
  readonly #openings = new RecentMap<Opening<Attributes>>(MAX_OPENING_WEIGHT);
  readonly #runs = new RecentMap<SpanContext>(MAX_KNOWN);
  readonly #sandboxes = new RecentMap<KnownSandbox>(MAX_KNOWN);

  readonly #openingAttributes: (event: RuntimeEvent) => Attributes;

  /** @param openingAttributes of an event that begins a span: what the event that ends it does not say again */
  constructor(openingAttributes: (event: RuntimeEvent) => Attributes) {
    this.#openingAttributes = openingAttributes;
  }

  /**
   * To be called with every event that {@link isRemembered}, in the order of the log. The same event twice is as once. Reads fields by their names alone, and
   * keeps no event.
   */
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
  openingOf(event: RuntimeEvent): Opening<Attributes> | undefined {
    // To look it up takes a text of its id, and whoever is sent endings alone knows of no beginning.
    if (this.#openings.isEmpty) return undefined;
    switch (event.type) {
      case "exec.completed":
      case "agent.tool_result":
      case "agent.completed":
      case "run.completed":
        return this.#openings.get(openingKey(event));
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
    const attributes = this.#openingAttributes(event);
    const weight = OPENING_WEIGHT + weightOf(attributes);
    const { traceId, spanId, parentSpanId } = event;
    const opening = { traceId, spanId, parentSpanId, startMicros: microsOf(event.timestamp), attributes };
    this.#openings.set(openingKey(event), opening, weight);
  }
}

/** As `keyOf`. An exec's id is a key as it is: to put text in front of it would be most of what a look-up costs. */
function openingKey(event: RuntimeEvent): string {
  return event.type === "exec.completed" || event.type === "exec.started" ? event.data.execId : keyOf(event);
}

function weightOf(attributes: KeptAttributes): number {
  if (attributes instanceof Uint8Array) return attributes.length;
  return attributes.reduce((sum, { value }) => sum + (value?.stringValue?.length ?? 0), 0);
}

function contextOf({ traceId, spanId }: RuntimeEvent): SpanContext {
  return { traceId, spanId };
}
