import { type Emit, type EventInput, newSpanId, newTraceId } from "@sandglass/protocol";
import { DEFAULT_ORG } from "../caller.ts";
import type { ChangeLog, StatusChange } from "./change-log.ts";

const READER = "record";
const RETRY_MS = 5_000;
const BATCH = 100;

/** Puts what the status page has to tell into the record: each change once, and those of a crash at the next start. */
export class StatusRecord {
  readonly #changes: ChangeLog;
  readonly #emit: Emit;
  readonly #onProblem: (message: string, error: unknown) => void;
  readonly #stopListening: () => void;
  #writing: Promise<void> | undefined;
  #isAgain = false;
  #retry: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(changes: ChangeLog, emit: Emit, onProblem: (message: string, error: unknown) => void) {
    this.#changes = changes;
    this.#emit = emit;
    this.#onProblem = onProblem;
    this.#stopListening = changes.listen(() => this.#wake());
    this.#wake();
  }

  /** Resolves when what was told is written, or cannot be. */
  async stop(): Promise<void> {
    this.#stopListening();
    clearTimeout(this.#retry);
    while (this.#writing !== undefined) await this.#writing;
    this.#isStopped = true;
  }

  #wake(): void {
    if (this.#isStopped) return;
    this.#isAgain = true;
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  async #write(): Promise<void> {
    try {
      while (this.#isAgain) {
        this.#isAgain = false;
        for (const change of this.#changes.read(this.#changes.place(READER), BATCH)) {
          await this.#emit(eventOf(change));
          this.#changes.commit(READER, change.position);
          this.#isAgain = true;
        }
      }
    } catch (error) {
      this.#onProblem("a change of status was not recorded yet", error);
      this.#retry = setTimeout(() => this.#wake(), RETRY_MS).unref();
    }
  }
}

function eventOf({ type, at, data }: StatusChange): EventInput {
  return {
    type,
    level: levelOf(type, data),
    timestamp: new Date(at).toISOString().replace("Z", "000Z"),
    ...{ orgId: DEFAULT_ORG, sandboxId: "", runId: "" },
    ...{ traceId: newTraceId(), spanId: newSpanId(), parentSpanId: "" },
    data,
  } as EventInput;
}

function levelOf(type: StatusChange["type"], data: StatusChange["data"]): "info" | "warn" {
  if (type === "incident.opened") return "warn";
  return "to" in data && data.to !== "operational" && data.to !== "under_maintenance" ? "warn" : "info";
}
