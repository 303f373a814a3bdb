import * as z from "zod";
import type { EventDataMap } from "../events.ts";
import type { RunEventInput, RunEventType } from "../record-api.ts";
import { EVENT_DATA } from "./event-data.ts";
import { metadata, sandboxId, spanId, traceId, utf8Length } from "./fields.ts";
import { cursor, pageLimit } from "./query-fields.ts";
import { Cause } from "./sandbox.ts";
import { strictObject } from "./strict-object.ts";

const MAX_EVENT_BYTES = 256 * 1024;

export const RUN_EVENT_TYPES = [
  "agent.started",
  "agent.completed",
  "agent.thinking",
  "agent.tool_call",
  "agent.tool_result",
  "agent.error",
  "cost.llm",
  "run.completed",
] as const satisfies readonly RunEventType[];

export const StartRunRequest = strictObject({
  name: z.string().min(1, { error: "must not be empty" }).max(200),
  agent: z.string().max(200).optional(),
  metadata: metadata.optional(),
});

export const RunInfo = z.object({
  runId: z.string(),
  name: z.string(),
  traceId: z.string(),
  spanId: z.string(),
  startedAt: z.string(),
});

const [first, ...others] = RUN_EVENT_TYPES;

/** One event as a run adds it. */
export const RunEventInputSchema = z
  .discriminatedUnion("type", [inputOf(first), ...others.map(inputOf)])
  .superRefine((event, context) => {
    if ((event.type === "agent.started" || event.type === "agent.completed") && event.spanId === undefined) {
      const message = "is needed: an agent's beginning and end are found together by it";
      context.addIssue({ code: "custom", path: ["spanId"], message });
    }
    if (utf8Length(JSON.stringify(event)) <= MAX_EVENT_BYTES) return;
    const message = "must be at most 256 KiB: shorten its text, or keep it in a file of the sandbox";
    context.addIssue({ code: "custom", message });
  }) as unknown as z.ZodType<RunEventInput>;

export const AddRunEventsRequest = strictObject({
  events: z
    .array(RunEventInputSchema)
    .min(1, { error: "must have at least 1 event" })
    .max(1000, { error: "must have at most 1000 events: send the rest in another request" }),
});
export const AddRunEventsResult = z.object({ accepted: z.number() });

const RunState = z.enum(["running", "ok", "error", "cancelled"]);

const runSummary = {
  runId: z.string(),
  name: z.string(),
  agent: z.string().optional(),
  metadata: metadata.optional(),
  status: RunState,
  error: z.string().optional(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  durationMs: z.number(),
  traceId: z.string(),
  spanId: z.string(),
  costUsd: z.number(),
  llmCostUsd: z.number(),
  runtimeCostUsd: z.number(),
  inputTokens: z.number(),
  outputTokens: z.number(),
  cachedTokens: z.number(),
  llmCalls: z.number(),
  unpricedCalls: z.number(),
  toolCalls: z.number(),
  toolErrors: z.number(),
  agentErrors: z.number(),
  sandboxes: z.number(),
  execs: z.number(),
  failures: z.number(),
};
export const RunSummary = z.object(runSummary);
export const RunPage = z.object({ items: z.array(RunSummary), nextCursor: z.string().optional() });

export const RunDetail = z.object({
  ...runSummary,
  models: z.array(
    z.object({
      model: z.string(),
      calls: z.number(),
      unpricedCalls: z.number(),
      inputTokens: z.number(),
      outputTokens: z.number(),
      cachedTokens: z.number(),
      costUsd: z.number(),
    }),
  ),
  sandboxList: z.array(
    z.object({
      id: z.string(),
      template: z.string(),
      state: z.enum(["running", "paused", "terminated"]),
      cause: Cause.optional(),
      reason: z.string().optional(),
      createdAt: z.string(),
      endedAt: z.string().optional(),
      execs: z.number(),
      failures: z.number(),
      costUsd: z.number(),
    }),
  ),
  failureList: z.array(
    z.object({
      execId: z.string(),
      sandboxId: z.string(),
      cause: Cause,
      exitCode: z.number(),
      endedAt: z.string(),
      reason: z.string().optional(),
    }),
  ),
});

/** Newest first. */
export const ListRunsQuery = strictObject({
  limit: pageLimit,
  cursor: cursor.optional(),
  status: RunState.optional(),
  /** A part of the name, in any case. */
  name: z.string().min(1, { error: "must not be empty" }).max(200).optional(),
});
export type ListRunsQuery = z.output<typeof ListRunsQuery>;

/** Strict where the event's own schema is not: what a caller misspells should not vanish. */
function inputOf<T extends RunEventType>(type: T) {
  // Where an event comes from is not its sender's to say.
  const { origin: _, ...shape }: z.ZodRawShape = EVENT_DATA[type].shape;
  const data: z.ZodObject = strictObject(shape);
  return strictObject({
    type: z.literal(type),
    data: data as z.ZodObject & z.ZodType<EventDataMap[T]>,
    timestamp: z.iso.datetime().optional(),
    spanId: spanId.optional(),
    parentSpanId: spanId.optional(),
    traceId: traceId.optional(),
    sandboxId: sandboxId.optional(),
  });
}
