import type { OtlpSink } from "../../packages/telemetry/src/exporters/otel/testing/otlp-sink.ts";
import type { AnyValue, OtlpSpan } from "../../packages/telemetry/src/otlp/model.ts";
import { attributesByKey } from "./plain-otlp.ts";
import { receivedScopes } from "./received-scopes.ts";

/** A span as it arrived, with its place. */
export interface ArrivedSpan {
  traceId: string;
  spanId: string;
  /** "" of a root. */
  parentSpanId: string;
  name: string;
  attributes: Record<string, AnyValue | undefined>;
  resource: Record<string, AnyValue | undefined>;
}

/** All spans that a sink got, of whomever. Throws where one is there twice. */
export function spansAt(sink: OtlpSink): ArrivedSpan[] {
  const spans = sink.requests
    .filter(({ signal }) => signal === "traces")
    .flatMap(({ signal, data }) => receivedScopes(signal, data))
    .flatMap(({ resource, items }) =>
      (items as OtlpSpan[]).map(({ traceId, spanId, parentSpanId = "", name, attributes }) => ({
        ...{ traceId, spanId, parentSpanId, name, attributes: attributesByKey(attributes) },
        resource: attributesByKey(resource.attributes),
      })),
    );
  const ids = new Set(spans.map(({ spanId }) => spanId));
  if (ids.size < spans.length) throw new Error(`${spans.length - ids.size} spans are there twice`);
  return spans;
}

/**
 * A trace as indented lines, siblings in the order of their text. A span whose parent is not there is said to be an orphan: of a whole
 * trace there is none.
 */
export function traceTree(spans: readonly ArrivedSpan[], traceId: string): string[] {
  const ofTrace = spans.filter((span) => span.traceId === traceId);
  const known = new Set(ofTrace.map(({ spanId }) => spanId));
  const below = (parent: string, indent: string): string[] =>
    ofTrace
      .filter(({ parentSpanId }) => parentSpanId === parent)
      .map(({ name, spanId }) => [`${indent}${name}`, ...below(spanId, `${indent}  `)])
      .sort((a, b) => (a.join() < b.join() ? -1 : 1))
      .flat();
  const orphans = ofTrace.filter(({ parentSpanId }) => parentSpanId !== "" && !known.has(parentSpanId));
  return [...below("", ""), ...orphans.map(({ name, parentSpanId }) => `orphan of ${parentSpanId}: ${name}`)];
}
