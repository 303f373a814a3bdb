import type { TelemetryRecord } from "../collector/telemetry-record.ts";
import { logsFromProtobuf, tracesFromProtobuf } from "../otlp/from-protobuf.ts";
import { MalformedOtlpError } from "../otlp/malformed-otlp-error.ts";
import { RecentMap } from "../projections/otel-recent-map.ts";
import { deriveLogs } from "./derive-logs.ts";
import { deriveSpans } from "./derive-spans.ts";
import type { DerivedEvent, DerivedType } from "./derived-event.ts";
import { EventWriter } from "./event-writer.ts";
import { mayConcernAgents } from "./genai-markers.ts";
import { type PriceOverrides, PriceTable } from "./price-table.ts";
import { SandboxBudget } from "./sandbox-budget.ts";
import { SpanMemory } from "./span-memory.ts";

/** Spans and log records of one sender that are remembered. */
const CLIENT_MEMORY = 20_000;
const SANDBOX_MEMORY = 1000;
/** Senders whose memory is kept: what one of them sends pushes nothing out of another's. */
const MAX_SENDERS = 256;
const MAX_UNKNOWN_MODELS = 100;
/** What models are counted under that come beyond those, and all of which sandboxes speak. */
const OTHER_MODELS = "(other)";
const SANDBOX_MODELS = "(sandbox)";

export interface DeriverOptions {
  /** Replace list prices, or add to them. Default: none. */
  readonly prices?: PriceOverrides;
  /** Whether arguments, results, thoughts and messages of errors become part of events, cut at 8 KiB each. Default false. */
  readonly captureContent?: boolean;
}

/** What was read and derived; all numbers only go up. */
export interface DeriverStats {
  /** Records that were given. */
  readonly records: number;
  /** Of those: looked into, because their bytes speak of agents or models. */
  readonly decodedRecords: number;
  /** Of those: no telemetry. */
  readonly malformedRecords: number;
  /** Of sandboxes that sent more than is looked into: see {@link SandboxBudget}. */
  readonly skippedRecords: number;
  /** In records that were looked into. */
  readonly spans: number;
  readonly logRecords: number;
  /** Events by type. */
  readonly events: Readonly<Record<DerivedType, number>>;
  /** Calls of models that no price is known for. At most 100 names, the rest as `(other)`; those from sandboxes as `(sandbox)`. */
  readonly unknownModels: Readonly<Record<string, number>>;
}

/**
 * Derives `agent.*` and `cost.llm` events from the telemetry that agents send: spans by the OpenTelemetry GenAI conventions, of the
 * Vercel AI SDK, OpenInference, OpenLLMetry and LangSmith, and the log events of Claude Code, Codex CLI and Gemini CLI.
 *
 * Each call of a model and of a tool is told once, however many spans and records tell of it and however often they are sent; to that
 * end it remembers a bounded number of them for each sender, until the process ends. Metrics are not read.
 *
 * @example
 * const deriver = new Deriver({ prices: { "my-model": { inputPerMTok: 0.5, outputPerMTok: 1.5 } } });
 * for (const event of deriver.derive(record)) await emit({ ...event, orgId: record.orgId });
 */
export class Deriver {
  readonly #prices: PriceTable;
  readonly #captureContent: boolean;
  readonly #budget = new SandboxBudget();
  readonly #memories = new RecentMap<SpanMemory>(MAX_SENDERS);
  readonly #unknownModels = new Map<string, number>();
  readonly #events: Record<DerivedType, number> = {
    "agent.thinking": 0,
    "agent.tool_call": 0,
    "agent.tool_result": 0,
    "agent.error": 0,
    "cost.llm": 0,
  };
  #records = 0;
  #decodedRecords = 0;
  #malformedRecords = 0;
  #skippedRecords = 0;
  #spans = 0;
  #logRecords = 0;

  /** @throws SandglassError INVALID_REQUEST naming what is wrong with `prices` */
  constructor({ prices = {}, captureContent = false }: DeriverOptions = {}) {
    this.#prices = new PriceTable(prices);
    this.#captureContent = captureContent;
  }

  /**
   * What a record tells that was not told before, by time. Nothing of what the host itself sends. Never throws, whatever the body is:
   * of what is no telemetry, nothing is derived.
   */
  derive(record: TelemetryRecord): DerivedEvent[] {
    const { origin, signal, body } = record;
    this.#records++;
    if (origin === "host" || record.isForwardOnly || !mayConcernAgents(signal, body)) return [];
    if (origin === "sandbox" && !this.#budget.take(record.sandboxId, body.length, record.receivedAt)) {
      this.#skippedRecords++;
      return [];
    }
    this.#decodedRecords++;
    const sender = origin === "sandbox" ? `sandbox ${record.sandboxId}` : `client ${record.orgId}`;
    const memory = this.#memoryOf(sender, origin === "sandbox" ? SANDBOX_MEMORY : CLIENT_MEMORY);
    const writer = new EventWriter({
      origin,
      captureContent: this.#captureContent,
      prices: this.#prices,
      receivedMicros: record.receivedAt * 1000,
      onUnknownModel: (model) => this.#countUnknown(origin === "sandbox" ? SANDBOX_MODELS : model),
    });
    try {
      if (signal === "traces") this.#spans += deriveSpans(tracesFromProtobuf(body), memory, writer);
      else this.#logRecords += deriveLogs(logsFromProtobuf(body), { sender, memory, writer });
    } catch (error) {
      if (!(error instanceof MalformedOtlpError)) throw error;
      this.#malformedRecords++;
    }
    for (const { type } of writer.events) this.#events[type]++;
    return writer.events.sort((a, b) => (a.timestamp < b.timestamp ? -1 : a.timestamp > b.timestamp ? 1 : 0));
  }

  stats(): DeriverStats {
    return {
      records: this.#records,
      decodedRecords: this.#decodedRecords,
      malformedRecords: this.#malformedRecords,
      skippedRecords: this.#skippedRecords,
      spans: this.#spans,
      logRecords: this.#logRecords,
      events: { ...this.#events },
      unknownModels: Object.fromEntries(this.#unknownModels),
    };
  }

  #memoryOf(sender: string, limit: number): SpanMemory {
    const known = this.#memories.get(sender);
    if (known !== undefined) return known;
    const memory = new SpanMemory(limit);
    this.#memories.set(sender, memory);
    return memory;
  }

  #countUnknown(model: string): void {
    const isRoom = this.#unknownModels.has(model) || this.#unknownModels.size < MAX_UNKNOWN_MODELS;
    const name = isRoom ? model : OTHER_MODELS;
    this.#unknownModels.set(name, (this.#unknownModels.get(name) ?? 0) + 1);
  }
}
