import type { RequestRecord } from "./request-record.ts";

/** An exec may outlive its request by hours; beyond this many later ones its lines stand by themselves. */
const MAX_REQUESTS = 4096;

/** Requests by their `http_request` span, so that the log lines of what a request caused can name it. */
export class RecentRequests {
  readonly #bySpan = new Map<string, RequestRecord>();

  remember(record: RequestRecord): void {
    this.#bySpan.set(record.spanId, record);
    if (this.#bySpan.size <= MAX_REQUESTS) return;
    const oldest = this.#bySpan.keys().next();
    if (oldest.done !== true) this.#bySpan.delete(oldest.value);
  }

  find(spanId: string): RequestRecord | undefined {
    return this.#bySpan.get(spanId);
  }
}
