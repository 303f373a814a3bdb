import * as z from "zod";
import type { EventDataMap } from "../events.ts";
import type { RunEventInput, RunEventType } from "../record-api.ts";
import { EVENT_DATA } from "./event-data.ts";
import { metadata, sandboxId, spanId, traceId, utf8Length } from "./fields.ts";
import { strictObject } from "./strict-object.ts";

const MAX_EVENT_BYTES = 256 * 1024;

export const RUN_EVENT_TYPES = [
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

const [thinking, ...others] = RUN_EVENT_TYPES;

/** One event as a run adds it. */
export const RunEventInputSchema = z
  .discriminatedUnion("type", [inputOf(thinking), ...others.map(inputOf)])
  .superRefine((event, context) => {
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
