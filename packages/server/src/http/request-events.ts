import type { ServerResponse } from "node:http";
import { type Emit, ERROR_STATUS, type Level } from "@sandglass/protocol";
import type { RequestRecord } from "./request-record.ts";

/** As nginx has it: the client closed the connection before the answer was complete. */
const CLIENT_CLOSED_REQUEST = 499;

/**
 * Emits one `http.request` event for every request, when its answer is out or its client has gone. Nothing waits for these
 * but {@link RequestEvents.settled}.
 */
export class RequestEvents {
  readonly #emit: Emit;
  readonly #onFailure: (error: unknown) => void;
  readonly #pending = new Set<Promise<void>>();
  /** Requests whose answer is not out yet. */
  active = 0;
  #idle: (() => void)[] = [];

  /** @param onFailure told where the log did not take an event: it is lost, and must not be silently */
  constructor(emit: Emit, onFailure: (error: unknown) => void) {
    this.#emit = emit;
    this.#onFailure = onFailure;
  }

  watch(record: RequestRecord, response: ServerResponse): void {
    this.active++;
    // "close" comes exactly once, behind "finish" or in its stead.
    response.once("close", () => {
      this.#record(record, statusOf(record, response));
      this.active--;
      if (this.active === 0) for (const wake of this.#idle.splice(0)) wake();
    });
  }

  /** Resolves when no request is under way. */
  async idle(): Promise<void> {
    if (this.active > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Resolves when every event emitted so far is committed, or known to be lost. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  #record(record: RequestRecord, status: number): void {
    const { method, route, path, requestId, sandboxId, errorCode } = record;
    const emitted: Promise<void> = this.#emit({
      type: "http.request",
      level: levelOf(record, status),
      orgId: record.orgId,
      // A request is the host's, also one about a sandbox: it must not take a number in that sandbox's sequence.
      sandboxId: "",
      runId: record.runId,
      traceId: record.trace.traceId,
      spanId: record.spanId,
      parentSpanId: record.trace.parentSpanId,
      data: {
        method,
        route,
        path,
        status,
        durationMs: Math.round((performance.now() - record.startedAt) * 1000) / 1000,
        requestId,
        ...(sandboxId !== "" && { sandboxId }),
        ...(errorCode !== undefined && { errorCode }),
      },
    })
      .catch(this.#onFailure)
      .finally(() => this.#pending.delete(emitted));
    this.#pending.add(emitted);
  }
}

/** An answer that we broke off ourselves has the status of what went wrong, whatever its head said. */
function statusOf({ errorCode }: RequestRecord, response: ServerResponse): number {
  if (response.writableFinished) return response.statusCode;
  return errorCode === undefined ? CLIENT_CLOSED_REQUEST : ERROR_STATUS[errorCode];
}

function levelOf(record: RequestRecord, status: number): Level {
  if (record.isProbe) return "debug";
  if (status >= 500) return "error";
  return status >= 400 && status !== CLIENT_CLOSED_REQUEST ? "warn" : "info";
}
