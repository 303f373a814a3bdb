import type { SQLInputValue } from "node:sqlite";
import type { RuntimeEvent } from "@sandglass/protocol";
import { isFailure } from "./run-table.ts";
import type { Statements } from "./statements.ts";
import { nanosOf, type StoredEvent } from "./stored-event.ts";

/** Sandboxes whose number is kept in memory. */
const MAX_KNOWN = 10_000;

/** Keeps the rows of sandboxes and of their execs. */
export class SandboxTable {
  readonly #statements: Statements;
  readonly #known = new Map<string, number>();

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** The number of the event's sandbox; also of one whose beginning went with the log's retention. */
  keyOf(
    event: RuntimeEvent,
    place: { org: number; run: number | undefined; position: number; time: number },
  ) {
    if (event.sandboxId === "") return undefined;
    const known = this.#known.get(event.sandboxId);
    if (known !== undefined) return known;
    const { org, run, position, time } = place;
    this.#statements.run(
      `INSERT INTO sandboxes (id, org, run, created_at, trace, span, first_position, last_position)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      ...[event.sandboxId, org, run ?? null, time, event.traceId, event.spanId, position, position],
    );
    const row = this.#statements.get<{ key: number }>(
      "SELECT key FROM sandboxes WHERE id = ?",
      event.sandboxId,
    );
    const key = (row as { key: number }).key;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(event.sandboxId, key);
    return key;
  }

  /** The number of a sandbox that is known; telemetry alone makes none. */
  find(sandboxId: string): number | undefined {
    if (sandboxId === "") return undefined;
    const known = this.#known.get(sandboxId);
    return (
      known ?? this.#statements.get<{ key: number }>("SELECT key FROM sandboxes WHERE id = ?", sandboxId)?.key
    );
  }

  /** After a transaction that was rolled back, or rows that were removed. */
  forget(): void {
    this.#known.clear();
  }

  apply(stored: StoredEvent): void {
    const { event, sandbox, position, time } = stored;
    if (sandbox === undefined) return;
    const change = (columns: string, ...values: SQLInputValue[]): void => {
      const sql = `UPDATE sandboxes SET ${columns}, last_position = ? WHERE key = ?`;
      this.#statements.run(sql, ...values, position, sandbox);
    };
    switch (event.type) {
      case "sandbox.created": {
        const { template, source, isolation, vcpu, memoryMb, diskMb, durationMs, metadata } = event.data;
        change(
          `template = ?, source = ?, isolation = ?, vcpu = ?, memory_mb = ?, disk_mb = ?, create_ms = ?, metadata = ?,
           trace = ?, span = ?, created_at = ?`,
          ...[template, source, isolation, vcpu, memoryMb, diskMb, durationMs],
          ...[metadata === undefined ? null : JSON.stringify(metadata), event.traceId, event.spanId, time],
        );
        return;
      }
      case "sandbox.paused":
        return change("state = 'paused'");
      case "sandbox.resumed":
        return change("state = 'running'");
      case "sandbox.terminated": {
        const { cause, reason = null, cpuMs } = event.data;
        change(
          "state = 'terminated', cause = ?, reason = ?, cpu_ms = ?, ended_at = ?",
          cause,
          reason,
          cpuMs,
          time,
        );
        return;
      }
      case "cost.runtime":
        return change("cost = cost + ?, cpu_ms = cpu_ms + ?", nanosOf(event.data.costUsd), event.data.cpuMs);
      case "exec.started":
        return this.#startExec(stored, event);
      case "exec.completed":
        change(`execs = execs + 1, failures = failures + ${isFailure(event.data) ? 1 : 0}`);
        return this.#endExec(stored, event);
      default:
        return change("state = state");
    }
  }

  #startExec(
    { org, run, sandbox, time }: StoredEvent,
    event: Extract<RuntimeEvent, { type: "exec.started" }>,
  ): void {
    const { execId, kind, language = null, contextId = null, code, command } = event.data;
    this.#statements.run(
      `INSERT INTO execs (id, org, sandbox, run, trace, span, parent, kind, language, context, subject, started_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      ...[execId, org, sandbox as number, run ?? null, event.traceId, event.spanId, event.parentSpanId],
      ...[kind, language, contextId, code ?? command ?? null, time],
    );
  }

  #endExec(stored: StoredEvent, event: Extract<RuntimeEvent, { type: "exec.completed" }>): void {
    const { data } = event;
    // Its start may have gone with the log's retention.
    const startedAt = stored.time - Math.round(data.durationMs * 1000);
    this.#startExec({ ...stored, time: startedAt }, { ...event, type: "exec.started", data } as never);
    this.#statements.run(
      `UPDATE execs SET ended_at = ?, duration_ms = ?, exit_code = ?, signal = ?, cause = ?, reason = ?, cpu_ms = ?,
         max_rss_bytes = ?, stdout_bytes = ?, stderr_bytes = ? WHERE id = ?`,
      ...[stored.time, data.durationMs, data.exitCode, data.signal ?? null, data.cause, data.reason ?? null],
      ...[data.cpuMs, data.maxRssBytes, data.stdoutBytes, data.stderrBytes, data.execId],
    );
  }
}
