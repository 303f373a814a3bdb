import type { IncomingMessage, ServerResponse } from "node:http";
import { type Emit, ERROR_STATUS, type Level } from "@sandglass/protocol";
import type { ClientAddresses } from "./client-address.ts";
import { RateLimit } from "./rate-limit.ts";
import type { RequestRecord } from "./request-record.ts";

/** As nginx has it: the client closed the connection before the answer was complete. */
const CLIENT_CLOSED_REQUEST = 499;

/** How often it is said at most that requests are not recorded. */
const TELL_AGAIN_MS = 60_000;

export interface RequestEventsOptions {
  addresses: Pick<ClientAddresses, "of">;
  /** Events of requests that no valid key came with. */
  keylessPerSecond: number;
  /** Told where the log did not take an event: it is lost, and must not be silently. */
  onFailure(error: unknown): void;
  /** Told now and then how many requests were not recorded so far. */
  onUnrecorded(count: number): void;
}

/**
 * Emits one `http.request` event for every request (of those without a key, so many a second), when its answer is out or its client has gone. Nothing waits for these
 * but {@link RequestEvents.settled}.
 */
export class RequestEvents {
  readonly #emit: Emit;
  readonly #options: RequestEventsOptions;
  readonly #keyless: RateLimit;
  #unrecorded = 0;
  #toldAt = -Infinity;
  readonly #pending = new Set<Promise<void>>();
  /** Requests whose answer is not out yet. */
  active = 0;
  #idle: (() => void)[] = [];

  constructor(emit: Emit, options: RequestEventsOptions) {
    this.#emit = emit;
    this.#options = options;
    // None at all is a limit too, which a bucket without room has no word for.
    this.#keyless = new RateLimit(Math.max(1, options.keylessPerSecond), 1000);
  }

  watch(record: RequestRecord, request: IncomingMessage, response: ServerResponse): void {
    this.active++;
    // Known only while the connection is there.
    const clientAddress = this.#options.addresses.of(request);
    // "close" comes exactly once, behind "finish" or in its stead.
    response.once("close", () => {
      if (this.#isRecorded(record)) this.#record(record, clientAddress, statusOf(record, response));
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

  /** Whoever has no key can send what they like: the record's room is for those who have. */
  #isRecorded({ keyId }: RequestRecord): boolean {
    if (keyId !== "") return true;
    const { keylessPerSecond, onUnrecorded } = this.#options;
    if (keylessPerSecond > 0 && this.#keyless.take("") === 0) return true;
    this.#unrecorded++;
    const now = performance.now();
    if (now - this.#toldAt > TELL_AGAIN_MS) {
      this.#toldAt = now;
      onUnrecorded(this.#unrecorded);
    }
    return false;
  }

  #record(record: RequestRecord, clientAddress: string, status: number): void {
    const { method, route, path, requestId, sandboxId, errorCode, keyId } = record;
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
        clientAddress,
        ...(keyId !== "" && { keyId }),
        ...(sandboxId !== "" && { sandboxId }),
        ...(errorCode !== undefined && { errorCode }),
      },
    })
      .catch(this.#options.onFailure)
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
