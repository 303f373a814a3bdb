import type { CallContext, Emit, EventDataMap, EventInput, EventType, Level } from "@sandglass/protocol";
import { newSpanId, SandglassError } from "@sandglass/protocol";

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;

/** Says a sandbox's events: fills in whose they are, and sees that its endings reach the log. */
export class SandboxRecord {
  readonly #emit: Emit;
  readonly #sandboxId: string;
  readonly #runId: string;

  constructor(emit: Emit, sandboxId: string, runId: string) {
    this.#emit = emit;
    this.#sandboxId = sandboxId;
    this.#runId = runId;
  }

  /** Rejects with LOG_UNAVAILABLE where it cannot be recorded: then what it tells of must not happen. */
  say<T extends EventType>(
    context: CallContext,
    type: T,
    level: Level,
    data: EventDataMap[T],
    spanId: string = newSpanId(),
  ): Promise<void> {
    return this.emit(this.#event(context, type, level, data, spanId));
  }

  /** For what has happened and cannot be taken back: waits until the log has room. */
  readonly emit: Emit = async (event) => {
    if (event.type !== "exec.completed" && event.type !== "sandbox.terminated") return this.#emit(event);
    for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(waitMs * 2, LAST_RETRY_MS)) {
      try {
        return await this.#emit(event);
      } catch (error) {
        if (!(error instanceof SandglassError) || error.code !== "LOG_UNAVAILABLE") throw error;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  };

  #event<T extends EventType>(
    context: CallContext,
    type: T,
    level: Level,
    data: EventDataMap[T],
    spanId: string,
  ): EventInput {
    const { orgId, traceId, parentSpanId } = context;
    const runId = context.runId || this.#runId;
    return {
      type,
      level,
      orgId,
      sandboxId: this.#sandboxId,
      runId,
      traceId,
      spanId,
      parentSpanId,
      data,
    } as EventInput;
  }
}
