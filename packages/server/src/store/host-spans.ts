import type { RuntimeEvent } from "@sandglass/protocol";
import { attributeHash, isOpening, openingKey, toSpan } from "@sandglass/telemetry/reading";
import { ORIGIN, SPAN_KINDS, type SpanTable, STATUS_ERROR } from "./span-table.ts";
import { microsOf, type StoredEvent } from "./stored-event.ts";

/** Beginnings that are remembered until their end comes; an end without one is told from itself. */
const MAX_OPEN = 20_000;

/** The host's own spans: what its events say happened over a time. */
export class HostSpans {
  readonly #spans: SpanTable;
  readonly #open = new Map<string, RuntimeEvent>();

  constructor(spans: SpanTable) {
    this.#spans = spans;
  }

  apply({ event, org, run, sandbox }: StoredEvent): void {
    const key = openingKey(event);
    if (isOpening(event)) {
      const oldest = this.#open.keys().next();
      if (this.#open.size >= MAX_OPEN && oldest.done !== true) this.#open.delete(oldest.value);
      this.#open.set(key, event);
      return;
    }
    const span = toSpan(event, this.#open.get(key));
    if (span === undefined) return;
    this.#open.delete(key);
    const origin = "origin" in event.data ? event.data.origin : undefined;
    this.#spans.add(
      {
        trace: span.traceId,
        span: span.spanId,
        parent: span.parentSpanId,
        name: span.name,
        kind: SPAN_KINDS.indexOf(span.kind),
        start: microsOf(span.startTime),
        duration: Math.round(span.durationMs * 1000),
        status: span.status === "error" ? STATUS_ERROR : 1,
        cause: span.cause,
        service: "sandglass",
        attributes: JSON.stringify(span.attributes),
        hashes: hashesOf(span.attributes),
      },
      { org, run, sandbox, origin: origin === undefined ? ORIGIN.host : ORIGIN[origin] },
    );
  }
}

function hashesOf(attributes: object): number[] {
  return Object.entries(attributes).flatMap(([name, value]) => attributeHash(name, value) ?? []);
}
