import type { EventDataMap, EventType, RuntimeEvent } from "./events.ts";

/** A hole in what a reader got: events that were removed before it read them, counted and placed. */
export interface GapLine {
  type: "gap";
  /** Positions in the log, both inclusive. */
  fromPosition: number;
  toPosition: number;
  reason: string;
  /** Where to read on. */
  cursor: string;
}

/** One line of `GET /v1/events`: an event and the opaque cursor that `after` takes, or a gap. */
export type EventLine = (RuntimeEvent & { cursor: string }) | GapLine;

/** What an agent run may add to the record by itself; everything else is the host's to say. */
export type RunEventType = Extract<EventType, `agent.${string}`> | "cost.llm" | "run.completed";

/** One event as `POST /v1/runs/{runId}/events` takes it; the host adds id, seq, level, organisation, run and trace. */
export type RunEventInput = {
  [T in RunEventType]: {
    type: T;
    data: EventDataMap[T];
    /** ISO 8601, UTC. Default: now. */
    timestamp?: string;
    /** The event's own span. Default: a new one. */
    spanId?: string;
    /** Default: the run's root span. */
    parentSpanId?: string;
    /** Where the event belongs to a trace of its caller, into which the run's own does not reach. Default: the run's. */
    traceId?: string;
    /** Where the event belongs to one of the run's sandboxes. */
    sandboxId?: string;
  };
}[RunEventType];

/** `POST /v1/runs/{runId}/events`: 1 to 1000 events, all or none of them taken. */
export interface AddRunEventsRequest {
  events: RunEventInput[];
}
export interface AddRunEventsResult {
  accepted: number;
}
