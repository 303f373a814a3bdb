import type { EventDataMap, Level } from "@sandglass/protocol";

/** What telemetry of agents can become. */
export type DerivedType =
  | "agent.thinking"
  | "agent.tool_call"
  | "agent.tool_result"
  | "agent.error"
  | "cost.llm";

/**
 * An event that was read out of telemetry. Whose it is stands in the head of the record that it was read from. `data.origin` is always
 * there. A trace, a span and a type together are one event: the same telemetry read twice gives the same three.
 */
export interface DerivedEvent<T extends DerivedType = DerivedType> {
  type: T;
  level: Level;
  traceId: string;
  /**
   * Of a span: that span. Of a log record: one of its own below the span that the record names, the same each time it is read, and
   * the same for a tool's call and its result.
   */
  spanId: string;
  /** "" where there is none. */
  parentSpanId: string;
  /** ISO 8601 with microseconds, UTC; never later than when the telemetry came. */
  timestamp: string;
  data: EventDataMap[T];
}
