import type { RuntimeEvent } from "@sandglass/protocol";
import type { KeyValue } from "../otlp/model.ts";
import { RecentMap } from "./otel-recent-map.ts";
import { microsOf } from "./otel-time.ts";
import { isOpening } from "./span.ts";
import { keyOf } from "./trace.ts";

export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
}

type ExecEvent = Extract<RuntimeEvent, { type: "exec.started" | "exec.completed" }>;

/** Attributes as they are kept: as a model, or encoded. */
type KeptAttributes = readonly KeyValue[] | Uint8Array;

/** What the beginning of a span said that its ending may not. */
export interface Opening<Attributes extends KeptAttributes> extends SpanContext {
  readonly parentSpanId: string;
  /** The same for the beginning and the ending. */
  readonly subject: string;
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

/**
 * What earlier events said that later ones are told with: beginnings of spans, the root span of each run, and the template and the
 * creation of each sandbox. Bounded, and lost with the process: what is not known is left out.
 */
export class OtelMemory<Attributes extends KeptAttributes> implements SpanContexts {
  readonly #openings = new RecentMap<Opening<Attributes>, string | number>(MAX_OPENING_WEIGHT);
  readonly #runs = new RecentMap<SpanContext>(MAX_KNOWN);
  readonly #sandboxes = new RecentMap<KnownSandbox>(MAX_KNOWN);
  readonly #openingAttributes: (event: RuntimeEvent) => Attributes;
  readonly #execHash: ((event: ExecEvent) => number) | undefined;

  /**
   * @param openingAttributes of an event that begins a span: what the event that ends it does not say again
   * @param execHash of an exec's id, to find it by: for a caller to whom making the id itself is dear. Of two that have one, the older
   * is forgotten
   */
  constructor(
    openingAttributes: (event: RuntimeEvent) => Attributes,
    execHash?: (event: ExecEvent) => number,
  ) {
    this.#openingAttributes = openingAttributes;
    this.#execHash = execHash;
  }

  /**
   * To be called with every event, in the order of the log. The same event twice is as once. Reads fields by their names alone, and
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
    switch (event.type) {
      case "exec.completed":
      case "agent.tool_result":
      case "run.completed": {
        const opening = this.#openings.get(this.#keyOf(event));
        return opening !== undefined && opening.subject === subjectOf(event) ? opening : undefined;
      }
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
    const [subject, startMicros] = [subjectOf(event), microsOf(event.timestamp)];
    const opening = { traceId, spanId, parentSpanId, subject, startMicros, attributes };
    this.#openings.set(this.#keyOf(event), opening, weight);
  }

  #keyOf(event: RuntimeEvent): string | number {
    return this.#execHash !== undefined && isExec(event) ? this.#execHash(event) : subjectOf(event);
  }
}

/** As `keyOf`. An exec's id is one as it is: to put text in front of it would be most of what a look-up costs. */
function subjectOf(event: RuntimeEvent): string {
  return isExec(event) ? event.data.execId : keyOf(event);
}

function isExec(event: RuntimeEvent): event is ExecEvent {
  return event.type === "exec.completed" || event.type === "exec.started";
}

function weightOf(attributes: KeptAttributes): number {
  if (attributes instanceof Uint8Array) return attributes.length;
  return attributes.reduce((sum, { value }) => sum + (value?.stringValue?.length ?? 0), 0);
}

function contextOf({ traceId, spanId }: RuntimeEvent): SpanContext {
  return { traceId, spanId };
}
