import type { AddRunEventsRequest, RunEventInput } from "@sandglass/protocol";
import { microTimestamp } from "@sandglass/protocol";
import { SandglassError } from "./errors.ts";
import type { Tracing } from "./tracing.ts";
import type { Transport } from "./transport/transport.ts";

/** The most that one request takes. */
const MAX_BATCH = 1000;
/** The most that wait for a daemon which does not take them; what comes on top is dropped, and counted. */
const MAX_WAITING = 10_000;

/**
 * Sends a run's own events in order, one request at a time: what is added while one is under way goes together in the
 * next. A batch that could not be sent stays, and is tried again at the next `flush`; one that is refused is
 * given up. Either is a warning (recording must not break the agent) and rejects `flush` (its end must not hide a loss).
 */
export class RunEvents {
  readonly #transport: Transport;
  readonly #runId: string;
  readonly #tracing: Tracing;
  #waiting: RunEventInput[] = [];
  #sending: Promise<void> | undefined;
  #dropped = 0;
  #isWarned = false;

  constructor(transport: Transport, runId: string, tracing: Tracing) {
    this.#transport = transport;
    this.#runId = runId;
    this.#tracing = tracing;
  }

  /** Stamps the event with this moment and sends it in the background. */
  add(event: RunEventInput): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push({ ...event, timestamp: microTimestamp() });
    // One attempt under way serves all that is added meanwhile, and one warning serves all that fails with it.
    if (this.#sending === undefined) this.flush().catch((error: unknown) => this.#warn(error));
  }

  /** Resolves when everything added before is in the record; rejects where it could not be sent. */
  async flush(): Promise<void> {
    if (this.#sending !== undefined) await this.#sending;
    if (this.#sending === undefined && this.#waiting.length > 0) this.#sending = this.#sendAll();
    await this.#sending;
    if (this.#dropped > 0) {
      const dropped = this.#dropped;
      this.#dropped = 0;
      throw new SandglassError("LOG_UNAVAILABLE", `${dropped} events of ${this.#runId} were dropped`, {
        hint: `at most ${MAX_WAITING} wait for a daemon that does not take them`,
      });
    }
  }

  #warn(error: unknown): void {
    if (this.#isWarned) return;
    this.#isWarned = true;
    process.emitWarning(`events of ${this.#runId} could not be sent yet: ${String(error)}`, {
      type: "SandglassWarning",
      code: "SANDGLASS_RUN_EVENTS",
    });
  }

  async #sendAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const events = this.#waiting.slice(0, MAX_BATCH);
        const json: AddRunEventsRequest = { events };
        try {
          await this.#send(json);
        } catch (error) {
          if (isRefusal(error)) this.#waiting.splice(0, events.length);
          throw error;
        }
        this.#waiting.splice(0, events.length);
        this.#isWarned = false;
      }
    } finally {
      this.#sending = undefined;
    }
  }

  async #send(json: AddRunEventsRequest): Promise<void> {
    const params = { runId: this.#runId };
    await this.#transport.json({ route: "addRunEvents", params, json, tracing: this.#tracing });
  }
}

/** What the daemon refuses it will refuse again: kept, it would hold up everything behind it. */
function isRefusal(error: unknown): boolean {
  return error instanceof SandglassError && error.status >= 400 && error.status < 500;
}
