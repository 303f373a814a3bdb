import type { TraceSpan } from "@sandglass/protocol";

export interface SpanRow {
  span: TraceSpan;
  depth: number;
  /** Milliseconds behind the trace's start. */
  startMs: number;
  children: number;
  /** Position behind the last of its descendants, in the order of {@link SpanTree.rows}. */
  end: number;
}

export interface SpanTree {
  /** Parents before children, siblings by start. */
  rows: SpanRow[];
  durationMs: number;
  startTime: number;
}

/**
 * The spans of a trace as a tree in a list. A span whose parent is not there is a root; a circle, which only a lying program makes, is cut open.
 * Without recursion: a chain of 50,000 is no deeper than one of two.
 */
export function buildSpanTree(spans: readonly TraceSpan[]): SpanTree {
  const times = new Map(spans.map((span) => [span, preciseTime(span.startTime)]));
  const startOf = (span: TraceSpan): number => times.get(span) ?? 0;
  const sorted = [...spans].sort((a, b) => startOf(a) - startOf(b));
  const known = new Set(sorted.map(({ spanId }) => spanId));
  const children = new Map<string, TraceSpan[]>();
  const roots: TraceSpan[] = [];
  for (const span of sorted) {
    if (span.parentSpanId === span.spanId || !known.has(span.parentSpanId)) roots.push(span);
    else {
      const siblings = children.get(span.parentSpanId);
      if (siblings === undefined) children.set(span.parentSpanId, [span]);
      else siblings.push(span);
    }
  }
  const startTime = sorted[0] === undefined ? 0 : startOf(sorted[0]);
  const rows: SpanRow[] = [];
  const seen = new Set<TraceSpan>();
  let endTime = startTime;
  const walk = (root: TraceSpan): void => {
    const open: { span: TraceSpan; depth: number; row?: SpanRow }[] = [{ span: root, depth: 0 }];
    while (open.length > 0) {
      const item = open.pop();
      if (item === undefined) return;
      if (item.row !== undefined) {
        item.row.end = rows.length;
        continue;
      }
      const { span, depth } = item;
      if (seen.has(span)) continue;
      seen.add(span);
      const own = children.get(span.spanId) ?? [];
      const row = { span, depth, startMs: startOf(span) - startTime, children: own.length, end: 0 };
      rows.push(row);
      endTime = Math.max(endTime, startOf(span) + span.durationMs);
      open.push({ span, depth, row });
      for (let index = own.length - 1; index >= 0; index--)
        open.push({ span: own[index] as TraceSpan, depth: depth + 1 });
    }
  };
  for (const root of roots) walk(root);
  for (const span of sorted) if (!seen.has(span)) walk(span);
  return { rows, durationMs: Math.max(endTime - startTime, 0.001), startTime };
}

/** ISO 8601 with microseconds → Unix milliseconds; `Date.parse` alone forgets what is below a millisecond. */
function preciseTime(timestamp: string): number {
  const below = /\.[0-9]{3}([0-9]+)Z$/.exec(timestamp)?.[1];
  return Date.parse(timestamp) + (below === undefined ? 0 : Number(`0.${below}`));
}
