import type { Cause, ExecRequest, ExitEvent, OutputEvent, StreamEvent } from "@sandglass/protocol";
import { StreamError } from "./errors.ts";
import { ExecStream, type StreamSource } from "./exec-stream.ts";
import { OutputCollector, outputText } from "./output.ts";

/** What a caller may hear of an exec while it runs. A handler that returns a promise holds the stream back until it settles. */
export interface ExecHandlers {
  /** Once, when the exec has begun. */
  onStart?: (exec: { execId: string; traceId: string }) => void;
  /** As written; `event` has the raw form for bytes that are not UTF-8 (see `outputBytes`). */
  onStdout?: (text: string, event: OutputEvent) => unknown;
  onStderr?: (text: string, event: OutputEvent) => unknown;
  /** The value of a cell's last expression, by MIME type. */
  onResult?: (result: Record<string, string>) => unknown;
  /**
   * False once when the connection to the daemon broke and is being made again, true when it stands: what was written meanwhile comes
   * then. Where the tries are used up, a StreamError follows the false.
   */
  onConnection?: (isConnected: boolean) => unknown;
}

/** How an exec ended, and all it wrote. */
export interface ExecResult {
  stdout: string;
  stderr: string;
  /** The value of the cell's last expression by MIME type; "text/plain" is always there. Undefined where there was none. */
  result: Record<string, string> | undefined;
  /** 128 + signal number where a signal ended it. */
  exitCode: number;
  /** e.g. "SIGKILL". */
  signal?: string;
  cause: Cause;
  /** Says the limit in words where the cause is a limit. */
  reason?: string;
  durationMs: number;
  execId: string;
  /** "" where the daemon named none. */
  traceId: string;
  /** The context's variables are gone: the next cell starts a fresh interpreter. */
  contextLost?: boolean;
  /** stdout exactly as written; not enumerable. */
  readonly stdoutBytes: Uint8Array;
  /** stderr exactly as written; not enumerable. */
  readonly stderrBytes: Uint8Array;
}

/** Runs to the end and gathers. */
export async function collectExec(
  source: StreamSource,
  request: ExecRequest,
  handlers: ExecHandlers,
): Promise<ExecResult> {
  const stream = await started(source, request, handlers);
  const stdout = new OutputCollector();
  const stderr = new OutputCollector();
  let result: Record<string, string> | undefined;
  let exit: ExitEvent | undefined;
  for await (const batch of stream.batches()) {
    for (const event of batch) {
      switch (event.type) {
        case "stdout":
          stdout.add(event);
          if (handlers.onStdout) await handlers.onStdout(outputText(event), event);
          break;
        case "stderr":
          stderr.add(event);
          if (handlers.onStderr) await handlers.onStderr(outputText(event), event);
          break;
        case "result":
          result = event.data;
          if (handlers.onResult) await handlers.onResult(event.data);
          break;
        case "exit":
          exit = event;
          break;
      }
    }
  }
  if (exit === undefined) throw new StreamError("the stream ended without its exit line");
  return execResult(exit, stream.traceId, result, stdout, stderr);
}

/** Runs and yields each line as it comes. */
export async function* streamExec(
  source: StreamSource,
  request: ExecRequest,
  handlers: ExecHandlers,
): AsyncGenerator<StreamEvent, void, undefined> {
  const stream = await started(source, request, handlers);
  yield* eventsOf(stream);
}

async function started(
  source: StreamSource,
  request: ExecRequest,
  handlers: ExecHandlers,
): Promise<ExecStream> {
  const stream = await ExecStream.start({ ...source, onConnection: handlers.onConnection }, request);
  try {
    handlers.onStart?.({ execId: stream.execId, traceId: stream.traceId });
  } catch (error) {
    stream.abandon(error);
    throw error;
  }
  return stream;
}

/** The lines of a stream one by one. */
export async function* eventsOf(stream: ExecStream): AsyncGenerator<StreamEvent, void, undefined> {
  for await (const batch of stream.batches()) yield* batch;
}

function execResult(
  exit: ExitEvent,
  traceId: string,
  result: ExecResult["result"],
  stdout: OutputCollector,
  stderr: OutputCollector,
): ExecResult {
  const value = {
    stdout: stdout.text(),
    stderr: stderr.text(),
    result,
    exitCode: exit.code,
    ...(exit.signal !== undefined && { signal: exit.signal }),
    cause: exit.cause,
    ...(exit.reason !== undefined && { reason: exit.reason }),
    durationMs: exit.durationMs,
    execId: exit.execId,
    traceId,
    ...(exit.contextLost !== undefined && { contextLost: exit.contextLost }),
  };
  // Not enumerable: bytes would double what JSON.stringify and console.log make of a result.
  return Object.defineProperties(value, {
    stdoutBytes: { get: () => stdout.bytes() },
    stderrBytes: { get: () => stderr.bytes() },
  }) as ExecResult;
}
