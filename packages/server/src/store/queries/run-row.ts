import type { RunState, RunSummary } from "@sandglass/protocol";
import { dollarsOf, timestampOf } from "../stored-event.ts";

/** A row of `runs`. */
export interface RunRow {
  key: number;
  id: string;
  name: string;
  agent: string | null;
  metadata: string | null;
  status: RunState;
  error: string | null;
  started_at: number;
  ended_at: number | null;
  last_at: number;
  duration_ms: number | null;
  trace: string;
  span: string;
  sandboxes: number;
  execs: number;
  failures: number;
  tool_calls: number;
  tool_errors: number;
  agent_errors: number;
  llm_calls: number;
  unpriced_calls: number;
  input_tokens: number;
  output_tokens: number;
  cached_tokens: number;
  llm_cost: number;
  runtime_cost: number;
}

export function toRunSummary(row: RunRow): RunSummary {
  return {
    runId: row.id,
    name: row.name,
    ...(row.agent !== null && { agent: row.agent }),
    ...(row.metadata !== null && { metadata: JSON.parse(row.metadata) as Record<string, string> }),
    status: row.status,
    ...(row.error !== null && { error: row.error }),
    startedAt: timestampOf(row.started_at),
    ...(row.ended_at !== null && { endedAt: timestampOf(row.ended_at) }),
    durationMs: row.duration_ms ?? Math.max(0, row.last_at - row.started_at) / 1000,
    traceId: row.trace,
    spanId: row.span,
    costUsd: dollarsOf(row.llm_cost + row.runtime_cost),
    llmCostUsd: dollarsOf(row.llm_cost),
    runtimeCostUsd: dollarsOf(row.runtime_cost),
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    cachedTokens: row.cached_tokens,
    llmCalls: row.llm_calls,
    unpricedCalls: row.unpriced_calls,
    toolCalls: row.tool_calls,
    toolErrors: row.tool_errors,
    agentErrors: row.agent_errors,
    sandboxes: row.sandboxes,
    execs: row.execs,
    failures: row.failures,
  };
}
