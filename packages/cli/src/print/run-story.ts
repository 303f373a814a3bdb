import type { RunDetail, RuntimeEvent } from "sandglass";
import type { Colors } from "../terminal.ts";
import { duration } from "./duration.ts";
import { printable, shortened } from "./printable.ts";
import { costOf } from "./run-table.ts";
import { storyLines } from "./story-line.ts";

/** What has happenings inside. */
const FRAMES: readonly string[] = ["agent.started", "agent.tool_call", "exec.started"];
const WHAT_WIDTH = 34;
const MIN_ABOUT_COLUMNS = 30;

/**
 * A run as a timeline for people, its totals above it. What happened inside an agent, a tool call or an exec is indented below it.
 *
 * @param columns there are; 0 shortens nothing
 */
export function runStory(
  run: RunDetail,
  events: readonly RuntimeEvent[],
  colors: Colors,
  columns: number,
): string {
  const toLine = storyLines(events);
  const told = inOrder(events).flatMap((event) => {
    const line = toLine(event);
    return line === undefined ? [] : [{ event, line }];
  });
  const depthOf = depths(events);
  const origin = startOf(run.startedAt);
  const times = told.map(({ event }) => `+${duration(Math.max(0, startOf(event.timestamp) - origin))}`);
  const timeWidth = Math.max(0, ...times.map((time) => time.length));
  const lines = told.map(({ event, line }, index) => {
    const indent = "  ".repeat(depthOf(event));
    const what = `${indent}${line.what}`.padEnd(WHAT_WIDTH);
    const ending = line.ending ?? "";
    const used = timeWidth + what.length + ending.length + 6;
    const room = columns === 0 ? Number.POSITIVE_INFINITY : Math.max(MIN_ABOUT_COLUMNS, columns - used);
    const paint = line.isBad ? colors.red : colors.bold;
    return [
      colors.dim((times[index] ?? "").padStart(timeWidth)),
      paint(what),
      ...(ending === "" ? [] : [line.isBad ? colors.red(ending) : colors.green(ending)]),
      ...(line.about === undefined || line.about === "" ? [] : [colors.dim(shortened(line.about, room))]),
    ]
      .join("  ")
      .trimEnd();
  });
  return [...summary(run, colors), "", ...lines].join("\n");
}

function summary(run: RunDetail, colors: Colors): string[] {
  const name = run.name === "" ? "a run that was not opened here" : printable(run.name);
  const status = run.status === "error" ? colors.red(run.status) : colors.green(run.status);
  const agent = run.agent === undefined ? "" : ` by ${printable(run.agent)}`;
  const did = [
    counted(run.sandboxes, "sandbox", "sandboxes"),
    `${counted(run.execs, "exec", "execs")}${run.failures > 0 ? ` (${run.failures} failed)` : ""}`,
    `${counted(run.toolCalls, "tool call", "tool calls")}${run.toolErrors > 0 ? ` (${run.toolErrors} failed)` : ""}`,
    counted(run.llmCalls, "model call", "model calls"),
  ].join(" · ");
  const models = run.models.map(
    ({ model, calls, inputTokens, outputTokens, costUsd, unpricedCalls }) =>
      `  ${printable(model)}: ${counted(calls, "call", "calls")}, ${inputTokens} tokens in, ${outputTokens} out, ${
        unpricedCalls === calls ? "price not known" : costOf({ costUsd, unpricedCalls, llmCalls: calls })
      }`,
  );
  return [
    `${colors.bold(name)}${agent}  ${status}  ${duration(run.durationMs)}  ${costOf(run)}`,
    colors.dim(`${run.runId}  trace ${run.traceId}  ${run.startedAt}`),
    did,
    ...models,
    ...(run.error === undefined ? [] : [colors.red(printable(run.error))]),
  ];
}

/** The agent's own events reach the record a moment after what they caused: their times tell the order. */
function inOrder(events: readonly RuntimeEvent[]): RuntimeEvent[] {
  return events
    .map((event, index) => ({ event, index, time: timeOf(event) }))
    .toSorted((a, b) => a.time - b.time || a.index - b.index)
    .map(({ event }) => event);
}

function timeOf(event: RuntimeEvent): number {
  return startOf(event.timestamp);
}

/** How many agents, tool calls and execs an event happened in. */
function depths(events: readonly RuntimeEvent[]): (event: RuntimeEvent) => number {
  const parents = new Map<string, string>();
  const frames = new Set<string>();
  for (const { spanId, parentSpanId, type } of events) {
    if (parentSpanId !== "" && parentSpanId !== spanId) parents.set(spanId, parentSpanId);
    if (FRAMES.includes(type)) frames.add(spanId);
  }
  return ({ spanId, parentSpanId, type }) => {
    const isOnFrame = FRAMES.includes(type) || type === "agent.tool_result" || type.startsWith("exec.");
    const seen = new Set<string>();
    let depth = 0;
    // An agent may name parents in a circle.
    for (
      let at: string | undefined = isOnFrame ? parentSpanId : spanId;
      at !== undefined && !seen.has(at);
      at = parents.get(at)
    ) {
      seen.add(at);
      if (frames.has(at)) depth += 1;
    }
    return depth;
  };
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Milliseconds since 1970 with the microseconds, which `Date` cuts off. */
function startOf(timestamp: string): number {
  const micros = /\.\d{3}(\d{3})/.exec(timestamp)?.[1] ?? "0";
  return Date.parse(timestamp) + Number(micros) / 1_000;
}
