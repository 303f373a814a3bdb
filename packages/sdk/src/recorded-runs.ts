import type { DeletionResult, Page, RunDetail, RunState, RunSummary } from "@sandglass/protocol";
import { DELETION_TIMEOUT_MS } from "./deletion-timeout.ts";
import { SandglassError } from "./errors.ts";
import type { PageOptions } from "./execs.ts";
import type { Tracing } from "./tracing.ts";
import type { Transport } from "./transport/transport.ts";

export interface ListRunsOptions extends PageOptions {
  status?: RunState;
  /** A part of the name, in any case. */
  name?: string;
}

/** Agent runs as the record tells of them: what they did and cost, also long after their end. */
export class RecordedRuns {
  readonly #transport: Transport;
  readonly #tracing: Tracing;

  /** Reached as `client.runs`. */
  constructor(transport: Transport, tracing: Tracing) {
    this.#transport = transport;
    this.#tracing = tracing;
  }

  /** A page of runs, newest first. Give its `nextCursor` as `cursor` for the next; there is none on the last page. */
  async list(options: ListRunsOptions = {}): Promise<Page<RunSummary>> {
    const { signal, ...query } = options;
    const call = { route: "listRuns", query, signal, tracing: this.#tracing } as const;
    return (await this.#transport.json<Page<RunSummary>>(call)).value;
  }

  /** One run: its totals, models, sandboxes and failures. @throws SandglassError RUN_NOT_FOUND */
  async get(runId: string): Promise<RunDetail> {
    if (runId === "") throw new SandglassError("INVALID_REQUEST", "runId must not be empty");
    const call = { route: "getRun", params: { runId }, tracing: this.#tracing } as const;
    return (await this.#transport.json<RunDetail>(call)).value;
  }

  /**
   * Deletes everything that the daemon's host has of a complete run, and of the sandboxes that are its alone. What exporters have sent is
   * where they sent it. One that is not there is nothing to be done.
   *
   * @returns what there was
   * @throws SandglassError RECORD_IN_USE while the run or one of its sandboxes is not over; FORBIDDEN without the scope `admin`
   */
  async delete(runId: string): Promise<DeletionResult> {
    if (runId === "") throw new SandglassError("INVALID_REQUEST", "runId must not be empty");
    const timeoutMs = DELETION_TIMEOUT_MS;
    const call = { route: "deleteRun", params: { runId }, timeoutMs, tracing: this.#tracing } as const;
    return (await this.#transport.json<DeletionResult>(call)).value;
  }
}
