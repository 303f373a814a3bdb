import { type EventOrigin, formatMicroTime, type Level } from "@sandglass/protocol";
import { cleanName, cutContent } from "./captured-text.ts";
import type { DerivedEvent, DerivedType } from "./derived-event.ts";
import type { ModelCall } from "./model-call.ts";
import { costUsd, type PriceTable } from "./price-table.ts";
import type { ToolCall } from "./tool-call.ts";

/** Where an event stands. */
export interface EventPlace {
  readonly traceId: string;
  readonly spanId: string;
  /** "" where there is none. */
  readonly parentSpanId: string;
}

/** When something was, in microseconds since 1970. */
export interface TimeSpan {
  readonly startMicros: number;
  readonly endMicros: number;
}

/** Something that failed. */
export interface Failure {
  /** Says it without content: "chat of gpt-4o failed". */
  readonly summary: string;
  /** In the sender's words, which may be anything. */
  readonly message?: string | undefined;
  readonly errorType?: string | undefined;
}

export interface EventWriterOptions {
  readonly origin: EventOrigin;
  readonly captureContent: boolean;
  readonly prices: PriceTable;
  /** Microseconds since 1970: nothing derived is later. */
  readonly receivedMicros: number;
  readonly onUnknownModel: (model: string) => void;
}

const LEVELS: Readonly<Record<DerivedType, Level>> = {
  "agent.thinking": "debug",
  "agent.tool_call": "info",
  "agent.tool_result": "info",
  "agent.error": "error",
  "cost.llm": "info",
};

/** Writes the events that one record of telemetry becomes. */
export class EventWriter {
  readonly events: DerivedEvent[] = [];
  readonly #options: EventWriterOptions;

  constructor(options: EventWriterOptions) {
    this.#options = options;
  }

  /** Nothing where the sender says neither tokens nor a cost. */
  cost(place: EventPlace, atMicros: number, call: ModelCall): void {
    const { models, provider, usage } = call;
    if (usage === undefined && (call.costUsd ?? 0) === 0) return;
    const tokens = usage ?? { inputTokens: 0, outputTokens: 0 };
    const model = models[0] ?? "unknown";
    const { prices, onUnknownModel } = this.#options;
    const price = call.costUsd === undefined ? prices.find(models) : undefined;
    const cost = call.costUsd ?? (price && costUsd(price, tokens));
    if (cost === undefined) onUnknownModel(model);
    this.#add("cost.llm", place, atMicros, {
      model,
      ...(provider !== undefined && { provider }),
      ...tokens,
      ...(cost !== undefined && { costUsd: cost }),
      priced: cost === undefined ? "unknown" : price === undefined ? "reported" : "table",
    });
  }

  /** A call and its result. */
  tool(place: EventPlace, time: TimeSpan, call: ToolCall): void {
    const toolCallId = call.callId === undefined ? place.spanId : cleanName(call.callId);
    const names = { toolName: call.name, toolCallId };
    const given = this.#captured(call.arguments);
    const result = this.#captured(call.result);
    this.#add("agent.tool_call", place, time.startMicros, {
      ...names,
      ...(given !== undefined && { arguments: given }),
    });
    this.#add("agent.tool_result", place, time.endMicros, {
      ...names,
      durationMs: durationMs(time),
      isError: call.isError,
      ...(result !== undefined && { result }),
    });
  }

  error(place: EventPlace, atMicros: number, { summary, message, errorType }: Failure): void {
    const said = this.#captured(() => message);
    this.#add("agent.error", place, atMicros, {
      message: said ?? summary,
      ...(errorType !== undefined && { errorType }),
    });
  }

  thinking(place: EventPlace, atMicros: number, text: string): void {
    const captured = this.#captured(() => text);
    this.#add("agent.thinking", place, atMicros, {
      ...(captured !== undefined && { text: captured }),
      bytes: Buffer.byteLength(text),
    });
  }

  #captured(content: () => string | undefined): string | undefined {
    if (!this.#options.captureContent) return undefined;
    const text = content();
    return text === undefined || text === "" ? undefined : cutContent(text);
  }

  #add<T extends DerivedType>(
    type: T,
    place: EventPlace,
    atMicros: number,
    data: Omit<DerivedEvent<T>["data"], "origin">,
  ): void {
    const { origin, receivedMicros } = this.#options;
    // A time of 0 is none, and one to come is a clock that is wrong or lies.
    const micros = atMicros > 0 && atMicros < receivedMicros ? atMicros : receivedMicros;
    const { traceId, spanId, parentSpanId } = place;
    this.events.push({
      type,
      level: LEVELS[type],
      traceId,
      spanId,
      parentSpanId,
      timestamp: formatMicroTime(micros),
      data: { ...data, origin } as DerivedEvent<T>["data"],
    });
  }
}

function durationMs({ startMicros, endMicros }: TimeSpan): number {
  return startMicros > 0 && endMicros > startMicros ? (endMicros - startMicros) / 1000 : 0;
}
