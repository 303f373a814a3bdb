import type { LogEntry, LogLine, Page } from "@sandglass/protocol";
import type { PageOptions } from "./execs.ts";
import { type LogFilter, type TailLogsOptions, tailLogs } from "./log-tail.ts";
import type { TimeRange } from "./traces.ts";
import type { Tracing } from "./tracing.ts";
import type { Transport } from "./transport/transport.ts";

export interface ListLogsOptions extends PageOptions, TimeRange, LogFilter {
  /** A record's `id`: it, and what its sandbox, else its service, said before and after it. Of the others only `lines` counts then. */
  around?: string;
  /** Records on each side of `around`, 1 to 500. Default 20. */
  lines?: number;
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

  /**
   * Log records as they come, from the moment that the loop begins, until it is left. Where the reader is too slow, a line of
   * type `gap` says how many it `missed`.
   *
   * @throws StreamError where the connection broke or the daemon went: unlike the events, records are not picked up again by themselves
   * @example for await (const line of client.logs.tail({ minSeverity: 17 })) if (!("missed" in line)) console.log(line.body);
   */
  tail(options: TailLogsOptions = {}): AsyncGenerator<LogLine, void, undefined> {
    return tailLogs(this.#transport, this.#tracing, options);
  }
}
