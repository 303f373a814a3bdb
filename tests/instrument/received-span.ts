import { tracesFromProtobuf } from "../../packages/telemetry/src/otlp/from-protobuf.ts";
import type { AnyValue, KeyValue } from "../../packages/telemetry/src/otlp/model.ts";

/** A span as a test looks at it. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  startMs: number;
  endMs: number;
  /** 2 where it failed. */
  status: number;
  scope: string;
  attributes: Record<string, unknown>;
  resource: Record<string, unknown>;
}

/** The spans of an `ExportTraceServiceRequest`. */
export function readSpans(body: Uint8Array): ReceivedSpan[] {
  return (tracesFromProtobuf(body).resourceSpans ?? []).flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ scope, spans = [] }) =>
      spans.map((span) => ({
        traceId: span.traceId ?? "",
        spanId: span.spanId ?? "",
        parentSpanId: span.parentSpanId ?? "",
        name: span.name ?? "",
        startMs: Number(span.startTimeUnixNano) / 1e6,
        endMs: Number(span.endTimeUnixNano) / 1e6,
        status: span.status?.code ?? 0,
        scope: scope?.name ?? "",
        attributes: record(span.attributes),
        resource: record(resource?.attributes),
      })),
    ),
  );
}

function record(attributes: readonly KeyValue[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

function plain(value: AnyValue | undefined): unknown {
  if (value?.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plain);
  if (value?.intValue !== undefined) return Number(value.intValue);
  return value?.stringValue ?? value?.boolValue ?? value?.doubleValue;
}

/**
 * The spans below `parent` as indented lines, siblings in the order of their text, for example `"  grep y → 1"`: the arguments as a command line,
 * `(fork)` where the process runs its parent's program, and how it ended where that is not with 0. Throws where a span is in no place of the tree.
 */
export function processTree(spans: readonly ReceivedSpan[], parent: string): string[] {
  const lines: string[] = [];
  const seen = new Set<ReceivedSpan>();
  const add = (id: string, indent: string): void => {
    const children = spans.filter((span) => span.parentSpanId === id);
    for (const span of children.sort((a, b) => compare(describe(a), describe(b)))) {
      seen.add(span);
      lines.push(indent + describe(span));
      add(span.spanId, `${indent}  `);
    }
  };
  add(parent, "");
  const orphans = spans.filter((span) => !seen.has(span)).map(describe);
  if (orphans.length > 0)
    throw new Error(`no parent of: ${orphans.join(", ")}; in the tree: ${lines.join(", ")}`);
  return lines;
}

function describe({ name, attributes, scope }: ReceivedSpan): string {
  if (scope !== "sandglass.process") return `[${name}]`;
  const args = attributes["process.command_args"] as string[] | undefined;
  const isFork = attributes["sandglass.process.forked"] === true;
  const code = attributes["process.exit.code"];
  const end = attributes["sandglass.process.signal"] ?? (code === 0 ? "" : (code ?? "replaced"));
  const text = isFork ? `${name} (fork)` : [name, ...(args ?? []).slice(1)].join(" ");
  return end === "" ? text : `${text} → ${end}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
