import type { LogEntry, Page } from "@sandglass/protocol";
import type { PageOptions } from "./execs.ts";
import type { TimeRange } from "./traces.ts";
import type { Tracing } from "./tracing.ts";
import type { Transport } from "./transport/transport.ts";

export interface ListLogsOptions extends PageOptions, TimeRange {
  /** OpenTelemetry's number: 9 is INFO, 13 WARN, 17 ERROR. */
  minSeverity?: number;
  /** A part of the body, in any case. */
  text?: string;
  service?: string;
  sandboxId?: string;
  runId?: string;
  traceId?: string;
  spanId?: string;
}

/** Log records that programs in sandboxes and agents sent with OpenTelemetry. */
export class Logs {
  readonly #transport: Transport;
  readonly #tracing: Tracing;

  /** Reached as `client.logs`. */
  constructor(transport: Transport, tracing: Tracing) {
    this.#transport = transport;
    this.#tracing = tracing;
  }

  /** A page of records, newest first. Give its `nextCursor` as `cursor` for the next; there is none on the last page. */
  async list(options: ListLogsOptions = {}): Promise<Page<LogEntry>> {
    const { signal, ...query } = options;
    const call = { route: "listLogs", query, signal, tracing: this.#tracing } as const;
    return (await this.#transport.json<Page<LogEntry>>(call)).value;
  }
}
