import type { EventDataMap, RunInfo, StartRunRequest } from "@sandglass/protocol";
import { formatTraceparent } from "@sandglass/protocol";
import { Agent, TRACE_FLAGS } from "./agent.ts";
import { Content, type ContentOptions } from "./content.ts";
import { RunLedger } from "./run-ledger.ts";
import { inRun, type Tracing } from "./tracing.ts";
import type { Transport } from "./transport/transport.ts";

/** How a run is opened, beside what it is called. */
export interface RunOptions extends ContentOptions {}

export type RunStatus = EventDataMap["run.completed"]["status"];

/** How a run ended. */
export interface RunEnding {
  /** Default "ok". */
  status?: RunStatus | undefined;
  /** What went wrong. With `captureContent` its message is recorded, else only the kind of an `Error`. */
  error?: unknown;
}

/**
 * One agent run across sandboxes: one trace, with the run's span above all that is done inside it.
 *
 * Its own events are sent in the background, in order, and are all in the record when `complete` or `flush` resolves.
 */
export class Run extends Agent implements AsyncDisposable {
  readonly runId: string;
  readonly #agentName: string | undefined;
  readonly #startedAt = performance.now();
  #completed: Promise<void> | undefined;

  /** Use `client.run`. */
  constructor(transport: Transport, tracing: Tracing, info: RunInfo, content: Content, agentName?: string) {
    const { runId, traceId, spanId } = info;
    const traceparent = formatTraceparent(traceId, spanId, TRACE_FLAGS);
    const ledger = new RunLedger(transport, tracing, info, traceparent, content);
    super(info.name, { traceId, spanId, flags: TRACE_FLAGS }, ledger);
    this.runId = runId;
    this.#agentName = agentName;
  }

  /** Resolves when all that was recorded so far is in the record. */
  flush(): Promise<void> {
    return this.ledger.flush();
  }

  /** Ends the run; the second time nothing happens. */
  complete(ending: RunEnding = {}): Promise<void> {
    this.#completed ??= this.#complete(ending);
    return this.#completed;
  }

  /** Runs `work`, all of which belongs to the run, then completes: "ok", or "error" with what it throws. */
  async during<T>(work: (run: Run) => Promise<T>): Promise<T> {
    try {
      const value = await inRun(this.ledger.run, () => work(this));
      await this.complete();
      return value;
    } catch (error) {
      await this.complete({ status: "error", error });
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.complete();
  }

  #complete({ status = "ok", error }: RunEnding): Promise<void> {
    const said = this.ledger.content.error(error);
    const data: EventDataMap["run.completed"] = {
      name: this.name,
      ...(this.#agentName !== undefined && { agent: this.#agentName }),
      status,
      durationMs: performance.now() - this.#startedAt,
      ...this.ledger.totals,
      ...(said !== undefined && { error: said }),
    };
    this.ledger.add({ type: "run.completed", data });
    return this.ledger.flush();
  }
}

/** `POST /v1/runs`. @throws SandglassError INVALID_REQUEST before anything is sent, where an option is none */
export async function startRun(
  transport: Transport,
  tracing: Tracing,
  request: StartRunRequest & RunOptions,
): Promise<Run> {
  const { captureContent, redact, maxContentBytes, ...json } = request;
  const content = new Content({ captureContent, redact, maxContentBytes });
  const { value: info } = await transport.json<RunInfo>({ route: "startRun", json, tracing }, (run) => ({
    "sandglass.run.id": run.runId,
  }));
  return new Run(transport, tracing, info, content, json.agent);
}
