import * as z from "zod";
import { SandglassError } from "../errors.ts";
import { EVENT_TYPES, type EventType, LEVELS, type RuntimeEvent } from "../events.ts";
import type { EventLine as EventLineShape } from "../record-api.ts";
import { EVENT_DATA } from "./event-data.ts";
import { runId, sandboxId, spanId, traceId } from "./fields.ts";
import { parseRequest } from "./parse-request.ts";
import { cursor, queryBoolean, queryInteger, queryText, queryTypes } from "./query-fields.ts";
import { strictObject } from "./strict-object.ts";

const none = z.literal("");

/** What every event has beside its type and data. */
const envelope = {
  id: z.string().regex(/^evt_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, {
    error: 'must be "evt_" and a UUIDv7',
  }),
  seq: z.number().int().min(1),
  timestamp: z.iso.datetime(),
  level: z.enum(LEVELS),
  orgId: z.string().min(1),
  sandboxId: z.union([sandboxId, none]),
  runId: z.union([runId, none]),
  traceId,
  spanId,
  parentSpanId: z.union([spanId, none]),
};

type AnyEventSchema = z.ZodObject<typeof envelope & { type: z.ZodLiteral<EventType>; data: z.ZodObject }>;

/** One event of this type. */
export function eventSchema(type: EventType): AnyEventSchema {
  return z.object({ ...envelope, type: z.literal(type), data: EVENT_DATA[type] });
}

const members = EVENT_TYPES.map(eventSchema);
const lines = members.map((member) => member.extend({ cursor: z.string() }));

/** One event of the record, told apart by `type`. */
export const RuntimeEventSchema = z.discriminatedUnion(
  "type",
  atLeastOne(members),
) as unknown as z.ZodType<RuntimeEvent>;

export const GapLine = z.object({
  type: z.literal("gap"),
  fromPosition: z.int(),
  toPosition: z.int(),
  reason: z.string(),
  cursor: z.string(),
});

/** One line of `GET /v1/events`. */
export const EventLine = z.discriminatedUnion("type", [
  GapLine,
  ...lines,
]) as unknown as z.ZodType<EventLineShape>;

/**
 * Checks that `value` is an event; fields that no one knows are left out of the result.
 *
 * @throws SandglassError INVALID_REQUEST saying what is wrong with it
 */
export function validateEvent(value: unknown): RuntimeEvent {
  return parseRequest(RuntimeEventSchema, value);
}

export const EventsQuery = strictObject({
  /** The cursor behind which to begin; absent: the oldest event kept. */
  after: cursor.optional(),
  /** Begins so many of these events before the end, where there is no `after`. */
  last: queryInteger(1, 100_000, "events").optional(),
  types: queryTypes.optional(),
  minLevel: z.enum(LEVELS).optional(),
  sandboxId: sandboxId.optional(),
  runId: runId.optional(),
  traceId: traceId.optional(),
  /** True: stays open and waits for more; false: ends at the log's end. */
  follow: queryBoolean.default(false),
  /** Ends after so many events. */
  limit: queryInteger(1, 1_000_000, "events").optional(),
  /**
   * Words of their texts, all of them: `word`, `begin*`, `"a phrase"`, `-not`. Looked up in the store: no more than 10,000 events, and
   * none to follow.
   */
  search: queryText(500).optional(),
}).superRefine(({ search, follow }, context) => {
  if (search === undefined || !follow) return;
  context.addIssue({ code: "custom", path: ["follow"], message: "must be false with search" });
});
export type EventsQuery = z.output<typeof EventsQuery>;

function atLeastOne<T>(items: readonly T[]): [T, ...T[]] {
  const [first, ...rest] = items;
  if (first === undefined) throw new SandglassError("INTERNAL", "there are no event types");
  return [first, ...rest];
}
