import type { LogLine } from "@sandglass/protocol";
import { SandglassError, StreamError } from "./errors.ts";
import { linesOf } from "./ndjson-lines.ts";
import type { Tracing } from "./tracing.ts";
import type { Call } from "./transport/call.ts";
import type { Transport } from "./transport/transport.ts";

/** Which log records; all that is given has to be true of them. */
export interface LogFilter {
  /** OpenTelemetry's number: 9 is INFO, 13 WARN, 17 ERROR. */
  minSeverity?: number;
  /** A part of the body, in any case. */
  text?: string;
  /** Words of the body, all of them: `word`, `begin*`, `"a phrase"`, `-not`. */
  search?: string;
  service?: string;
  sandboxId?: string;
  runId?: string;
  traceId?: string;
  spanId?: string;
  /** `name=value` of an attribute; of several, all. */
  attribute?: string | readonly string[];
}

export interface TailLogsOptions extends LogFilter {
  /** Aborting ends the loop with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Log records as they come. A stream has no place to be picked up at, so a connection that ends is an error and not a hole that
 * nobody sees: what came meanwhile is in the list.
 *
 * @throws StreamError where the connection broke, or the daemon went
 */
export async function* tailLogs(
  transport: Transport,
  tracing: Tracing,
  options: TailLogsOptions,
): AsyncGenerator<LogLine, void, undefined> {
  const { signal, ...query } = options;
  const call: Call = {
    route: "followLogs",
    query: { ...query },
    headers: { accept: "application/x-ndjson" },
    timeoutMs: 0,
    signal,
    tracing,
  };
  const operation = await transport.begin(call);
  try {
    const response = await transport.stream({ ...call, operation });
    let since: string | undefined;
    let cause: unknown;
    try {
      for await (const line of linesOf<LogLine>(response)) {
        if (!("missed" in line)) since = line.timestamp;
        yield line;
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (error instanceof SandglassError) throw error;
      cause = error;
    }
    throw new StreamError("the stream of log records broke", {
      hint:
        since === undefined
          ? "is the daemon running? follow again"
          : `what came meanwhile is in logs.list({ since: "${since}" }); follow again`,
      cause,
    });
  } catch (error) {
    operation.fail(error);
    throw error;
  } finally {
    operation.end();
  }
}
