import type { TraceSpan } from "sandglass";

/** Of what a span was about: a cell's code may be long. */
const MAX_SUBJECT_CHARS = 80;
const SUBJECTS = [
  "gen_ai.tool.name",
  "process.command_line",
  "sandglass.exec.code",
  "file.path",
  "gen_ai.agent.name",
  "http.route",
];

/** Spans as an indented tree, in the order of their beginning; one whose parent is not among them stands at the left. */
export function spanTree(spans: readonly TraceSpan[]): string {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const children = Map.groupBy(spans, ({ parentSpanId }) => (known.has(parentSpanId) ? parentSpanId : ""));
  const lines: string[] = [];
  const seen = new Set<string>();
  const visit = (parent: string, depth: number): void => {
    for (const span of children.get(parent) ?? []) {
      // What callers say of parents may go round in circles.
      if (seen.has(span.spanId)) continue;
      seen.add(span.spanId);
      lines.push(`${"  ".repeat(depth)}${lineOf(span)}`);
      visit(span.spanId, depth + 1);
    }
  };
  visit("", 0);
  return lines.join("\n");
}

function lineOf({ name, durationMs, status, cause, attributes }: TraceSpan): string {
  const subject = SUBJECTS.map((attribute) => attributes[attribute]).find(
    (value) => value !== undefined && value !== "",
  );
  const shown = String(subject ?? "").replace(/\s+/g, " ");
  const cut = shown.length > MAX_SUBJECT_CHARS ? `${shown.slice(0, MAX_SUBJECT_CHARS)}…` : shown;
  return `${name}  ${durationMs.toFixed(1)} ms  ${cause ?? status}${cut === "" ? "" : `  ${cut}`}`;
}
