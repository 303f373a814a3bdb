import type { Page, TraceInfo, TraceSummary } from "@sandglass/protocol";
import type { PageOptions } from "./execs.ts";
import type { Tracing } from "./tracing.ts";
import type { Transport } from "./transport/transport.ts";

/** Where in time, ISO 8601 with its zone: from `since` on, before `until`. */
export interface TimeRange {
  since?: string;
  until?: string;
}

export interface ListTracesOptions extends PageOptions, TimeRange {
  minDurationMs?: number;
  maxDurationMs?: number;
  /** True: with a failed span; false: without one. */
  error?: boolean;
  service?: string;
  /** A part of the name of its first span, in any case. */
  name?: string;
  /** Any of its sandboxes. */
  sandboxId?: string;
  runId?: string;
  /** Of its first sandbox. */
  template?: string;
  /** `name=value` of an attribute of any of its spans; of several, all. */
  attribute?: string | readonly string[];
}

/** Traces of the record: the host's spans, and those that programs in sandboxes and agents sent. */
export class Traces {
  readonly #transport: Transport;
  readonly #tracing: Tracing;

  /** Reached as `client.traces`. */
  constructor(transport: Transport, tracing: Tracing) {
    this.#transport = transport;
    this.#tracing = tracing;
  }

  /** A page of traces, newest first. Give its `nextCursor` as `cursor` for the next; there is none on the last page. */
  async list(options: ListTracesOptions = {}): Promise<Page<TraceSummary>> {
    const { signal, ...query } = options;
    const call = { route: "listTraces", query, signal, tracing: this.#tracing } as const;
    return (await this.#transport.json<Page<TraceSummary>>(call)).value;
  }

  /** One trace: its spans and events. @throws SandglassError TRACE_NOT_FOUND */
  async get(traceId: string): Promise<TraceInfo> {
    const call = { route: "getTrace", params: { traceId } } as const;
    return (await this.#transport.json<TraceInfo>(call)).value;
  }
}
