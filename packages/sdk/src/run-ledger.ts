import type { EventDataMap, RunEventInput, RunInfo } from "@sandglass/protocol";
import type { Content } from "./content.ts";
import { RunEvents } from "./run-events.ts";
import { Sandboxes } from "./sandboxes.ts";
import type { OpenRun, Tracing } from "./tracing.ts";
import type { Transport } from "./transport/transport.ts";

const NANOS = 1e9;

/** What all agents of one run share: where their events go, what of contents is in them, and the sums. */
export class RunLedger {
  readonly #transport: Transport;
  readonly run: OpenRun;
  readonly traceId: string;
  readonly #tracing: Tracing;
  readonly content: Content;
  readonly #events: RunEvents;
  /** Nano-dollars: fractions of a cent add up to what they are. */
  #costNanos = 0;
  #inputTokens = 0;
  #outputTokens = 0;

  /**
   * @param tracing of who opened the run
   * @param traceparent of the run's own span
   */
  constructor(
    transport: Transport,
    tracing: Tracing,
    { runId, traceId }: RunInfo,
    traceparent: string,
    content: Content,
  ) {
    this.#transport = transport;
    this.run = { runId, baseUrl: transport.baseUrl, traceparent };
    this.traceId = traceId;
    this.#tracing = { ...tracing, own: { traceparent }, runId };
    this.content = content;
    this.#events = new RunEvents(transport, runId, this.#tracing);
  }

  /** Sandboxes of the run, created below a span of it. */
  sandboxesOf(traceparent: string): Sandboxes {
    return new Sandboxes(this.#transport, { ...this.#tracing, own: { traceparent } }, this.run.runId);
  }

  count({ costUsd = 0, inputTokens, outputTokens }: EventDataMap["cost.llm"]): void {
    this.#costNanos += Math.round(costUsd * NANOS);
    this.#inputTokens += inputTokens;
    this.#outputTokens += outputTokens;
  }

  /** Of all model calls so far. */
  get totals(): { costUsd: number; inputTokens: number; outputTokens: number } {
    const costUsd = this.#costNanos / NANOS;
    return { costUsd, inputTokens: this.#inputTokens, outputTokens: this.#outputTokens };
  }

  add(event: RunEventInput): void {
    this.#events.add(event);
  }

  flush(): Promise<void> {
    return this.#events.flush();
  }
}
