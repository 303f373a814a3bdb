import type { EventDataMap, RuntimeEvent } from "@sandglass/protocol";
import type { Statements } from "./statements.ts";
import { nanosOf, type StoredEvent } from "./stored-event.ts";

/** Runs whose number is kept in memory. */
const MAX_KNOWN = 10_000;

/** Keeps the rows of runs: what is counted and summed up over a run, as its events come. */
export class RunTable {
  readonly #statements: Statements;
  readonly #known = new Map<string, number>();

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** The number of the event's run; one that is new gets a row, also where nobody opened it here. */
  keyOf(event: RuntimeEvent, org: number, position: number, time: number): number | undefined {
    if (event.runId === "") return undefined;
    const name = `${org} ${event.runId}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    this.#statements.run(
      `INSERT INTO runs (org, id, started_at, trace, first_position, last_position, last_at) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
      ...[org, event.runId, time, event.traceId, position, position, time],
    );
    const row = this.#statements.get<{ key: number }>(
      "SELECT key FROM runs WHERE org = ? AND id = ?",
      org,
      event.runId,
    );
    const key = (row as { key: number }).key;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(name, key);
    return key;
  }

  /** The number of a run that is known; telemetry alone makes none. */
  find(org: number, runId: string): number | undefined {
    if (runId === "") return undefined;
    const known = this.#known.get(`${org} ${runId}`);
    return (
      known ??
      this.#statements.get<{ key: number }>("SELECT key FROM runs WHERE org = ? AND id = ?", org, runId)?.key
    );
  }

  /** After a transaction that was rolled back, or rows that were removed. */
  forget(): void {
    this.#known.clear();
  }

  apply({ event, run, position, time }: StoredEvent): void {
    if (run === undefined) return;
    this.#statements.run(
      "UPDATE runs SET last_position = ?, last_at = max(last_at, ?) WHERE key = ?",
      position,
      time,
      run,
    );
    switch (event.type) {
      case "run.started": {
        const { name, agent = null, metadata } = event.data;
        this.#statements.run(
          "UPDATE runs SET name = ?, agent = ?, metadata = ?, started_at = ?, trace = ?, span = ? WHERE key = ?",
          ...[name, agent, metadata === undefined ? null : JSON.stringify(metadata), time],
          ...[event.traceId, event.spanId, run],
        );
        return;
      }
      case "run.completed": {
        const { status, error = null, durationMs } = event.data;
        this.#statements.run(
          `UPDATE runs SET status = ?, error = ?, duration_ms = ?, ended_at = ?, name = iif(name = '', ?, name) WHERE key = ?`,
          ...[status, error, durationMs, time, event.data.name, run],
        );
        return;
      }
      case "sandbox.created":
        return this.#count(run, "sandboxes = sandboxes + 1");
      case "exec.completed":
        return this.#count(run, `execs = execs + 1, failures = failures + ${isFailure(event.data) ? 1 : 0}`);
      case "cost.runtime":
        return this.#count(run, "runtime_cost = runtime_cost + ?", nanosOf(event.data.costUsd));
      case "agent.tool_call":
        return isTrusted(event.data) ? this.#count(run, "tool_calls = tool_calls + 1") : undefined;
      case "agent.tool_result":
        if (isTrusted(event.data) && event.data.isError) this.#count(run, "tool_errors = tool_errors + 1");
        return;
      case "agent.error":
        return isTrusted(event.data) ? this.#count(run, "agent_errors = agent_errors + 1") : undefined;
      case "cost.llm":
        return isTrusted(event.data) ? this.#addModelCall(run, event.data) : undefined;
    }
  }

  #addModelCall(run: number, data: EventDataMap["cost.llm"]): void {
    const { model, inputTokens, outputTokens, cachedTokens = 0, costUsd = 0 } = data;
    const unpriced = data.costUsd === undefined ? 1 : 0;
    const amounts = [unpriced, inputTokens, outputTokens, cachedTokens, nanosOf(costUsd)];
    this.#count(
      run,
      `llm_calls = llm_calls + 1, unpriced_calls = unpriced_calls + ?, input_tokens = input_tokens + ?,
       output_tokens = output_tokens + ?, cached_tokens = cached_tokens + ?, llm_cost = llm_cost + ?`,
      ...amounts,
    );
    this.#statements.run(
      `INSERT INTO run_models VALUES (?, ?, 1, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET calls = calls + 1, unpriced_calls = unpriced_calls + excluded.unpriced_calls,
         input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
         cached_tokens = cached_tokens + excluded.cached_tokens, cost = cost + excluded.cost`,
      ...[run, model, ...amounts],
    );
  }

  #count(run: number, change: string, ...amounts: number[]): void {
    this.#statements.run(`UPDATE runs SET ${change} WHERE key = ?`, ...amounts, run);
  }
}

/** What a user would call failed: the code's own fault, or what it was ended for. */
export function isFailure({ exitCode, cause }: EventDataMap["exec.completed"]): boolean {
  return exitCode !== 0 || cause !== "exited";
}

/** Anything may be said inside a sandbox: it is no part of a total. */
function isTrusted(data: { origin?: "client" | "sandbox" }): boolean {
  return data.origin !== "sandbox";
}
