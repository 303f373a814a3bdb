import type { EventDataMap, RunEventInput, RunInfo, StartRunRequest } from "@sandglass/protocol";
import { formatTraceparent, newSpanId, parseTraceparent } from "@sandglass/protocol";
import { RunEvents } from "./run-events.ts";
import { Sandboxes } from "./sandboxes.ts";
import { checkedTrace, inTrace, type TraceOptions, type Tracing } from "./tracing.ts";
import type { Transport } from "./transport/transport.ts";

export interface RunOptions {
  /** Record thoughts, arguments and results of tools too, not only their names and times. Default false. */
  captureContent?: boolean;
}

/** A tool call that has begun. */
export interface ToolCall {
  readonly toolCallId: string;
  /** Parent for what the tool does elsewhere. */
  readonly traceparent: string;
  /** Ends it; the second time nothing happens. */
  result(value: unknown, options?: { isError?: boolean }): void;
}

/** What is recorded of what a tool returned. */
export interface ToolOutcome {
  /** With `captureContent`; undefined records nothing of it. */
  result?: unknown;
  /** Default false. */
  isError?: boolean;
}

export type RunStatus = EventDataMap["run.completed"]["status"];

/** W3C flags sampled and random. */
const TRACE_FLAGS = 3;
/** Escaped and in UTF-8 still within the 256 KiB that the daemon takes as one event. */
const MAX_CONTENT_CHARS = 32 * 1024;

/**
 * One agent run across sandboxes: one trace, with the run's span above all that is done inside it.
 *
 * Its own events are sent in the background, in order, and are all in the record when `complete` or `flush` resolves.
 */
export class Run implements AsyncDisposable {
  readonly runId: string;
  readonly name: string;
  readonly traceId: string;
  /** Of the run's own span. */
  readonly traceparent: string;
  /** Sandboxes created here belong to the run. */
  readonly sandboxes: Sandboxes;
  readonly #events: RunEvents;
  readonly #captureContent: boolean;
  readonly #startedAt = performance.now();
  readonly #totals = { costUsd: 0, inputTokens: 0, outputTokens: 0 };
  #completed: Promise<void> | undefined;

  /** Use `client.run`. */
  constructor(transport: Transport, tracing: Tracing, info: RunInfo, options: RunOptions) {
    this.runId = info.runId;
    this.name = info.name;
    this.traceId = info.traceId;
    this.traceparent = formatTraceparent(info.traceId, info.spanId, TRACE_FLAGS);
    const own: Tracing = { ...tracing, own: { traceparent: this.traceparent }, runId: info.runId };
    this.sandboxes = new Sandboxes(transport, own, info.runId);
    this.#events = new RunEvents(transport, info.runId, own);
    this.#captureContent = options.captureContent ?? false;
  }

  /**
   * Records that the agent calls a tool; `result` on what it returns ends the span.
   *
   * @param caller whose span the call's becomes a child of, where that is not the run's own: a server that is called by agents
   *   gets it with each call
   */
  toolCall(toolName: string, args?: unknown, caller: TraceOptions = {}): ToolCall {
    const spanId = newSpanId();
    const parent = parseTraceparent(checkedTrace(caller)?.traceparent);
    const place = parent && { traceId: parent.traceId, parentSpanId: parent.parentSpanId };
    const toolCallId = `call_${spanId}`;
    const startedAt = performance.now();
    let isEnded = false;
    const captured = this.#capture(args);
    const data = { toolName, toolCallId, ...(captured !== undefined && { arguments: captured }) };
    this.#add({ type: "agent.tool_call", spanId, ...place, data });
    return {
      toolCallId,
      traceparent: formatTraceparent(place?.traceId ?? this.traceId, spanId, parent?.flags ?? TRACE_FLAGS),
      result: (value, options = {}) => {
        if (isEnded) return;
        isEnded = true;
        const result = this.#capture(value);
        const durationMs = performance.now() - startedAt;
        const ending = { toolName, toolCallId, durationMs, isError: options.isError ?? false };
        this.#add({
          type: "agent.tool_result",
          spanId,
          ...place,
          data: { ...ending, ...(result !== undefined && { result }) },
        });
      },
    };
  }

  /**
   * Runs `fn` as a tool call: what it asks of sandboxes of this run hangs below the call's span. An error is
   * recorded and thrown on.
   *
   * @param options `outcome` says what of the value is recorded: by default all of it, as a success; `traceparent`,
   *   `tracestate` and `baggage` are those of the caller, as in {@link toolCall}
   * @example await run.tool("python", { code }, ({ code }) => sandbox.runCode(code))
   */
  async tool<A, T>(
    toolName: string,
    args: A,
    fn: (args: A) => Promise<T> | T,
    options: TraceOptions & { outcome?: (value: T) => ToolOutcome } = {},
  ): Promise<T> {
    const call = this.toolCall(toolName, args, options);
    const { baggage } = options;
    // Of no meaning without the trace that it belongs to.
    const tracestate = checkedTrace(options)?.tracestate;
    try {
      const value = await inTrace({ traceparent: call.traceparent, tracestate, baggage }, () => fn(args));
      const { result, isError } = options.outcome?.(value) ?? { result: value };
      call.result(result, { isError: isError ?? false });
      return value;
    } catch (error) {
      call.result(String(error), { isError: true });
      throw error;
    }
  }

  /** Records one model call; tokens and costs are summed up in the run's end. */
  llm(usage: EventDataMap["cost.llm"]): void {
    this.#totals.costUsd += usage.costUsd ?? 0;
    this.#totals.inputTokens += usage.inputTokens;
    this.#totals.outputTokens += usage.outputTokens;
    this.#add({ type: "cost.llm", data: usage });
  }

  /** Records a thought: its length, and its text with `captureContent`. */
  thinking(text: string): void {
    const captured = this.#capture(text);
    const bytes = Buffer.byteLength(text);
    this.#add({
      type: "agent.thinking",
      data: captured === undefined ? { bytes } : { bytes, text: captured },
    });
  }

  /** Resolves when all that was recorded so far is in the record. */
  flush(): Promise<void> {
    return this.#events.flush();
  }

  /** Ends the run; the second time nothing happens. Default status "ok". */
  complete(options: { status?: RunStatus; error?: string } = {}): Promise<void> {
    this.#completed ??= this.#complete(options);
    return this.#completed;
  }

  /** Runs `work`, then completes: "ok", or "error" with its message where it throws. */
  async during<T>(work: (run: Run) => Promise<T>): Promise<T> {
    try {
      const value = await work(this);
      await this.complete();
      return value;
    } catch (error) {
      await this.complete({ status: "error", error: String(error) });
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.complete();
  }

  #complete(options: { status?: RunStatus; error?: string }): Promise<void> {
    const data: EventDataMap["run.completed"] = {
      name: this.name,
      status: options.status ?? "ok",
      durationMs: performance.now() - this.#startedAt,
      ...this.#totals,
      ...(options.error !== undefined && { error: options.error }),
    };
    this.#add({ type: "run.completed", data });
    return this.#events.flush();
  }

  #capture(content: unknown): string | undefined {
    if (!this.#captureContent || content === undefined) return undefined;
    const text = typeof content === "string" ? content : (JSON.stringify(content) ?? String(content));
    return text.length <= MAX_CONTENT_CHARS ? text : `${text.slice(0, MAX_CONTENT_CHARS)}…`;
  }

  #add(event: RunEventInput): void {
    this.#events.add(event);
  }
}

/** `POST /v1/runs`. */
export async function startRun(
  transport: Transport,
  tracing: Tracing,
  request: StartRunRequest & RunOptions,
): Promise<Run> {
  const { captureContent, ...json } = request;
  const { value: info } = await transport.json<RunInfo>({ route: "startRun", json, tracing }, (run) => ({
    "sandglass.run.id": run.runId,
  }));
  return new Run(transport, tracing, info, captureContent === undefined ? {} : { captureContent });
}
