import type { Cause, RunDetail, RunFailure, RunModel, RunSandbox } from "@sandglass/protocol";
import type { Statements } from "../statements.ts";
import { dollarsOf, timestampOf } from "../stored-event.ts";
import { type RunRow, toRunSummary } from "./run-row.ts";

const MAX_SANDBOXES = 1000;
const MAX_FAILURES = 100;

/** Undefined where the organisation has no such run. */
export function getRun(
  statements: Statements,
  query: { orgId: string; runId: string },
): RunDetail | undefined {
  const row = statements.get<RunRow>(
    "SELECT * FROM runs WHERE org = (SELECT key FROM orgs WHERE id = ?) AND id = ?",
    ...[query.orgId, query.runId],
  );
  if (row === undefined) return undefined;
  return {
    ...toRunSummary(row),
    models: modelsOf(statements, row.key),
    sandboxList: sandboxesOf(statements, row.key),
    failureList: failuresOf(statements, row.key),
  };
}

function modelsOf(statements: Statements, run: number): RunModel[] {
  return statements.all<RunModel>(
    `SELECT model, calls, unpriced_calls AS unpricedCalls, input_tokens AS inputTokens, output_tokens AS outputTokens,
       cached_tokens AS cachedTokens, cost / 1e9 AS costUsd
     FROM run_models WHERE run = ? ORDER BY cost DESC, calls DESC, model`,
    run,
  );
}

interface SandboxRow {
  id: string;
  template: string;
  state: RunSandbox["state"];
  cause: Cause | null;
  reason: string | null;
  created_at: number;
  ended_at: number | null;
  execs: number;
  failures: number;
  cost: number;
}

function sandboxesOf(statements: Statements, run: number): RunSandbox[] {
  return statements
    .all<SandboxRow>(
      "SELECT * FROM sandboxes WHERE run = ? ORDER BY created_at, key LIMIT ?",
      run,
      MAX_SANDBOXES,
    )
    .map((row) => ({
      id: row.id,
      template: row.template,
      state: row.state,
      ...(row.cause !== null && { cause: row.cause }),
      ...(row.reason !== null && { reason: row.reason }),
      createdAt: timestampOf(row.created_at),
      ...(row.ended_at !== null && { endedAt: timestampOf(row.ended_at) }),
      execs: row.execs,
      failures: row.failures,
      costUsd: dollarsOf(row.cost),
    }));
}

interface FailureRow {
  id: string;
  sandbox_id: string;
  cause: Cause;
  exit_code: number;
  ended_at: number;
  reason: string | null;
}

function failuresOf(statements: Statements, run: number): RunFailure[] {
  return statements
    .all<FailureRow>(
      `SELECT execs.id, sandboxes.id AS sandbox_id, execs.cause, execs.exit_code, execs.ended_at, execs.reason
       FROM execs JOIN sandboxes ON sandboxes.key = execs.sandbox
       WHERE execs.run = ? AND execs.ended_at IS NOT NULL AND (execs.exit_code != 0 OR execs.cause != 'exited')
       ORDER BY execs.ended_at DESC LIMIT ?`,
      ...[run, MAX_FAILURES],
    )
    .map((row) => ({
      execId: row.id,
      sandboxId: row.sandbox_id,
      cause: row.cause,
      exitCode: row.exit_code,
      endedAt: timestampOf(row.ended_at),
      ...(row.reason !== null && { reason: row.reason }),
    }));
}
