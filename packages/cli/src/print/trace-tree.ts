import type { TraceInfo, TraceSpan } from "sandglass";
import type { Colors } from "../terminal.ts";
import { duration } from "./duration.ts";
import { printable, shortened } from "./printable.ts";
import { pointSubject, spanSubject } from "./span-subject.ts";

/** A line of the tree before its columns are aligned. */
interface Row {
  branch: string;
  name: string;
  subject: string;
  startMs: number;
  span: TraceSpan | undefined;
}

export interface TreeOptions {
  /** Points in time too, below the span they belong to, and the requests that did nothing but record events. */
  events?: boolean;
  /** Columns there are; 0 shortens nothing. */
  columns: number;
}

const NAME_WIDTH_LIMIT = 60;
/** An agent's own account of itself is in the tree already; that it was sent is of no interest there. */
const RECORDING_ROUTE = "/v1/runs/{runId}/events";

/**
 * A trace as a tree: branches and names, when each span began and how long it took, how it ended, what it was
 * about. A span whose parent is not in the record (the caller's own) is a root.
 */
export function traceTree(trace: TraceInfo, colors: Colors, options: TreeOptions): string {
  const rows = rowsOf(trace, options.events ?? false);
  const origin = Math.min(...rows.map(({ startMs }) => startMs));
  const nameWidth = Math.min(
    NAME_WIDTH_LIMIT,
    Math.max(4, ...rows.map((row) => row.branch.length + row.name.length)),
  );
  const starts = rows.map(({ startMs }) => `+${duration(startMs - origin)}`);
  const lengths = rows.map(({ span }) => (span === undefined ? "" : duration(span.durationMs)));
  const endings = rows.map(({ span }) => (span === undefined ? "" : endingOf(span)));
  const startWidth = Math.max(...starts.map((text) => text.length));
  const lengthWidth = Math.max(...lengths.map((text) => text.length));
  const endingWidth = Math.max(...endings.map((text) => text.length));
  const used = nameWidth + startWidth + lengthWidth + endingWidth + 8;
  const subjectWidth = options.columns === 0 ? Number.POSITIVE_INFINITY : Math.max(0, options.columns - used);

  return rows
    .map((row, index) => {
      const name = shortened(row.name, nameWidth - row.branch.length);
      const gap = " ".repeat(Math.max(0, nameWidth - row.branch.length - [...name].length));
      const isFailed = row.span?.status === "error";
      const paint = isFailed ? colors.red : row.span === undefined ? colors.dim : colors.bold;
      return [
        `${colors.dim(row.branch)}${paint(name)}${gap}`,
        colors.dim((starts[index] ?? "").padStart(startWidth)),
        (lengths[index] ?? "").padStart(lengthWidth),
        endingColor(row.span, colors)((endings[index] ?? "").padEnd(endingWidth)),
        colors.dim(shortened(row.subject, subjectWidth)),
      ]
        .join("  ")
        .trimEnd();
    })
    .join("\n");
}

function rowsOf(trace: TraceInfo, withEvents: boolean): Row[] {
  const spans = trace.spans.filter(
    ({ attributes, status }) =>
      withEvents || status === "error" || attributes["http.route"] !== RECORDING_ROUTE,
  );
  const known = new Set(spans.map(({ spanId }) => spanId));
  const children = Map.groupBy(spans, ({ parentSpanId }) => (known.has(parentSpanId) ? parentSpanId : ""));
  const points = withEvents
    ? Map.groupBy(trace.events, ({ spanId }) => (known.has(spanId) ? spanId : ""))
    : new Map<string, TraceInfo["events"]>();
  const rows: Row[] = [];
  const seen = new Set<TraceSpan>();

  const addBelow = (parentId: string, indent: string, isRoot: boolean): void => {
    const items = [...(children.get(parentId) ?? []), ...(points.get(parentId) ?? [])]
      .filter((item) => !("kind" in item) || !seen.has(item))
      .toSorted((a, b) => startOf(a) - startOf(b));
    items.forEach((item, index) => {
      const isLast = index === items.length - 1;
      const branch = isRoot ? "" : `${indent}${isLast ? "└─ " : "├─ "}`;
      if (!("kind" in item)) {
        rows.push({
          branch,
          name: printable(item.type),
          subject: pointSubject(item),
          startMs: startOf(item),
          span: undefined,
        });
        return;
      }
      if (seen.has(item)) return;
      seen.add(item);
      rows.push({
        branch,
        name: printable(item.name),
        subject: spanSubject(item),
        startMs: startOf(item),
        span: item,
      });
      addBelow(item.spanId, isRoot ? "" : `${indent}${isLast ? "   " : "│  "}`, false);
    });
  };
  addBelow("", "", true);
  // An agent may name parents in a circle; what hangs in one is shown all the same.
  for (const span of spans) {
    if (seen.has(span)) continue;
    children.set("", [span]);
    points.delete("");
    addBelow("", "", true);
  }
  return rows;
}

function startOf(item: TraceSpan | TraceInfo["events"][number]): number {
  return microMs("kind" in item ? item.startTime : item.timestamp);
}

/** Milliseconds since 1970 with the microseconds, which `Date` cuts off. */
function microMs(timestamp: string): number {
  const micros = /\.\d{3}(\d{3})/.exec(timestamp)?.[1] ?? "0";
  return Date.parse(timestamp) + Number(micros) / 1_000;
}

/** The cause where there is one, else whether it went well. */
function endingOf(span: TraceSpan): string {
  if (span.status === "running") return "running";
  const code = span.attributes["process.exit.code"];
  if (span.cause === "exited" && typeof code === "number" && code !== 0) return `exited ${code}`;
  return printable(span.cause ?? span.status);
}

function endingColor(span: TraceSpan | undefined, colors: Colors): (text: string) => string {
  if (span?.status === "error") return colors.red;
  return span?.status === "running" ? colors.yellow : colors.green;
}
