import type { EventDataMap, RunEventInput } from "@sandglass/protocol";
import { formatTraceparent, newSpanId, parseTraceparent } from "@sandglass/protocol";
import type { RunLedger } from "./run-ledger.ts";
import type { Sandboxes } from "./sandboxes.ts";
import { checkedTrace, innermostTrace, inTrace, type TraceOptions } from "./tracing.ts";

/** A call of a tool, as the model asks for it. */
export interface ToolCallOptions {
  name: string;
  /** Recorded with `captureContent`. */
  arguments?: unknown;
  /** The model's own id of the call. Default: one made here. */
  id?: string | undefined;
  /**
   * W3C, of whose span the call's becomes a child: a server that is called by agents gets it with each call. Default: the tool call or agent
   * that it is made in, else this agent.
   */
  traceparent?: string | undefined;
}

/** A tool call that has begun. */
export interface ToolCall {
  readonly toolCallId: string;
  /** Parent for what the tool does elsewhere. */
  readonly traceparent: string;
  /** Ends it with what it returned; recorded with `captureContent`. Once it has ended nothing happens. */
  result(value?: unknown): void;
  /** Ends it as failed. What went wrong is recorded with `captureContent`. Once it has ended nothing happens. */
  error(error?: unknown): void;
}

/** What is recorded of what a tool returned. */
export interface ToolOutcome {
  /** With `captureContent`; undefined records nothing of it. */
  result?: unknown;
  /** Default false. */
  isError?: boolean;
}

/** Where something stands in a trace. */
export interface SpanPlace {
  traceId: string;
  spanId: string;
  /** Undefined of a run's own: the daemon knows it. */
  parentSpanId?: string;
  flags: number;
}

/** W3C flags sampled and random. */
export const TRACE_FLAGS = 3;

/**
 * What one agent does in a run, all of it below the agent's span, `invoke_agent {name}`. The run itself is the first; `agent` gives others
 * that work for it.
 */
export class Agent {
  readonly name: string;
  readonly traceId: string;
  /** Of the agent's own span. */
  readonly traceparent: string;
  /** Sandboxes created here belong to the run. */
  readonly sandboxes: Sandboxes;
  protected readonly ledger: RunLedger;
  readonly #place: SpanPlace;

  /** Use `run.agent`. */
  constructor(name: string, place: SpanPlace, ledger: RunLedger) {
    this.name = name;
    this.traceId = place.traceId;
    this.traceparent = formatTraceparent(place.traceId, place.spanId, place.flags);
    this.ledger = ledger;
    this.#place = place;
    this.sandboxes = ledger.sandboxesOf(this.traceparent);
  }

  /** Records that the agent calls a tool; `result` or `error` ends the span. */
  toolCall(call: ToolCallOptions): ToolCall {
    const { name: toolName, traceparent } = call;
    const place = this.#placeBelow(checkedTrace({ traceparent }));
    const { id: toolCallId = `call_${place.spanId}` } = call;
    const startedAt = performance.now();
    const given = this.ledger.content.text(call.arguments);
    this.#add(place, {
      type: "agent.tool_call",
      data: { toolName, toolCallId, ...(given !== undefined && { arguments: given }) },
    });
    let isEnded = false;
    const end = (isError: boolean, value: unknown): void => {
      if (isEnded) return;
      isEnded = true;
      const result = this.ledger.content.text(value);
      const durationMs = performance.now() - startedAt;
      const data = { toolName, toolCallId, durationMs, isError, ...(result !== undefined && { result }) };
      this.#add(place, { type: "agent.tool_result", data });
    };
    return {
      toolCallId,
      traceparent: formatTraceparent(place.traceId, place.spanId, place.flags),
      result: (value) => end(false, value),
      error: (error) => end(true, error),
    };
  }

  /**
   * Runs `fn` as a tool call: what it asks of sandboxes hangs below the call's span, and sandboxes that it creates belong to the run. An
   * error is recorded and thrown on.
   *
   * @param options `id` as in {@link toolCall}; `outcome` says what of the value is recorded: by default all of it, as a success;
   *   `traceparent`, `tracestate` and `baggage` are those of the caller
   * @example await run.tool("python", { code }, ({ code }) => sandbox.runCode(code))
   */
  async tool<A, T>(
    toolName: string,
    args: A,
    fn: (args: A) => Promise<T> | T,
    options: TraceOptions & { id?: string | undefined; outcome?: (value: T) => ToolOutcome } = {},
  ): Promise<T> {
    const { id, traceparent, baggage } = options;
    const call = this.toolCall({ name: toolName, arguments: args, id, traceparent });
    // Of no meaning without the trace that it belongs to.
    const tracestate = checkedTrace(options)?.tracestate;
    try {
      const place = { traceparent: call.traceparent, tracestate, baggage };
      const value = await inTrace(place, this.ledger.run, () => fn(args));
      const { result, isError = false } = options.outcome?.(value) ?? { result: value };
      if (isError) call.error(result);
      else call.result(result);
      return value;
    } catch (error) {
      call.error(error);
      throw error;
    }
  }

  /**
   * Runs `fn` as the work of another agent of the same run: a span `invoke_agent {name}` below this agent's, or below the tool call it is
   * called in, and below it what `fn` does. An error ends that agent with the status "error" and is thrown on.
   *
   * @param request `name`: 1 to 200 characters
   * @example await run.agent({ name: "researcher" }, (agent) => agent.tool("search", { query }, search))
   */
  async agent<T>(request: { name: string }, fn: (agent: Agent) => Promise<T> | T): Promise<T> {
    const { name: agentName } = request;
    const place = this.#placeBelow();
    const agent = new Agent(agentName, place, this.ledger);
    const startedAt = performance.now();
    const end = (ending: { status: "ok" | "error"; error?: string }): void => {
      const data = { agentName, durationMs: performance.now() - startedAt, ...ending };
      this.#add(place, { type: "agent.completed", data });
    };
    this.#add(place, { type: "agent.started", data: { agentName } });
    try {
      const value = await inTrace({ traceparent: agent.traceparent }, this.ledger.run, () => fn(agent));
      end({ status: "ok" });
      return value;
    } catch (error) {
      const said = this.ledger.content.error(error);
      end({ status: "error", ...(said !== undefined && { error: said }) });
      throw error;
    }
  }

  /** Records one model call; tokens and costs are summed up in the run's end. */
  llm(usage: EventDataMap["cost.llm"]): void {
    this.ledger.count(usage);
    this.#add(this.#place, { type: "cost.llm", data: usage });
  }

  /** Records a thought: its length, and its text with `captureContent`. */
  thinking(text: string): void {
    const captured = this.ledger.content.text(text);
    const bytes = Buffer.byteLength(text);
    this.#add(this.#place, {
      type: "agent.thinking",
      data: captured === undefined ? { bytes } : { bytes, text: captured },
    });
  }

  /** A new span below the caller's, else below the tool call or the agent around, else below this agent's. */
  #placeBelow(caller?: TraceOptions): Required<SpanPlace> {
    const around = parseTraceparent((caller ?? innermostTrace())?.traceparent);
    const { traceId, parentSpanId, flags } = around ?? { ...this.#place, parentSpanId: this.#place.spanId };
    return { traceId, spanId: newSpanId(), parentSpanId, flags };
  }

  #add({ traceId, spanId, parentSpanId }: SpanPlace, event: RunEventInput): void {
    this.ledger.add(
      // What stands on the run's own span the daemon puts there.
      parentSpanId === undefined
        ? event
        : { ...event, spanId, parentSpanId, ...(traceId !== this.ledger.traceId && { traceId }) },
    );
  }
}
