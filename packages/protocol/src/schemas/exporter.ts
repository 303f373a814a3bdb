import * as z from "zod";
import { SandglassError } from "../errors.ts";
import { EVENT_TYPES, LEVELS, type RuntimeEvent } from "../events.ts";
import { parseTypes } from "../filter.ts";
import { integerBetween, utf8Length } from "./fields.ts";
import { queryBoolean } from "./query-fields.ts";
import { strictObject } from "./strict-object.ts";

const MAX_CONFIG_BYTES = 64 * 1024;
const MAX_WHERE_LENGTH = 2000;
const MAX_PATTERNS = 100;
/** Longer than that, a caller asks again. */
const MAX_FLUSH_MS = 10 * 60 * 1000;

export const ExporterFilterSpec = strictObject({
  types: z
    .array(z.string())
    .max(MAX_PATTERNS)
    .superRefine((patterns, context) => {
      try {
        parseTypes(patterns.join(","));
      } catch (error) {
        if (!(error instanceof SandglassError)) throw error;
        context.addIssue({ code: "custom", message: `is not understood: ${error.message}` });
      }
    })
    .optional(),
  minLevel: z.enum(LEVELS).optional(),
  where: z.string().min(1, { error: "must not be empty" }).max(MAX_WHERE_LENGTH).optional(),
});

/** Of an exporter: part of file names, metrics and URLs. */
const exporterId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
  error: "must be a letter or digit, then up to 63 letters, digits, ., _ or -",
});

export const ExporterSpec = strictObject({
  id: exporterId.optional(),
  provider: z.string().min(1, { error: "must not be empty" }).max(64),
  /** The provider's own; checked where the provider is known. */
  config: z
    .record(z.string(), z.unknown())
    .refine((config) => utf8Length(JSON.stringify(config)) <= MAX_CONFIG_BYTES, {
      error: "must be at most 64 KiB",
    })
    .optional(),
  filter: ExporterFilterSpec.optional(),
  startAt: z
    .string()
    .refine((text) => text === "earliest" || text === "latest" || isTime(text), {
      error: 'must be "earliest", "latest" or a time like 2026-04-18T14:00:00.000Z',
    })
    .optional(),
  required: z.boolean().optional(),
});

export const FlushRequest = strictObject({
  ids: z.array(z.string()).min(1).max(1000).optional(),
  timeoutMs: integerBetween(0, MAX_FLUSH_MS, "milliseconds (10 minutes)").optional(),
});

export const RemoveExporterQuery = strictObject({ forget: queryBoolean.default(false) });

export const ExporterCounts = z.object({
  accepted: z.number(),
  delivered: z.number(),
  filtered: z.number(),
  queued: z.number(),
  inFlight: z.number(),
  dropped: z.record(z.string(), z.number()),
});

const delivery = {
  state: z.enum(["running", "stalled", "disabled"]),
  counts: ExporterCounts,
  lagMs: z.number(),
  failedAttempts: z.number(),
  lastError: z.object({ at: z.string(), message: z.string() }).optional(),
  lastDeliveryAt: z.string().optional(),
  stalledSince: z.string().optional(),
  deadLetterFile: z.string().optional(),
};

export const ExporterInfo = z.object({
  id: z.string(),
  provider: z.string(),
  destination: z.string(),
  origin: z.enum(["config", "api"]),
  failedEvents: z.number(),
  filterErrors: z.number(),
  ...delivery,
  telemetry: z
    .object(delivery)
    .optional()
    .describe("How it does with what sandboxes and agents send with OTLP, counted in requests."),
});
export const ExporterList = z.object({ items: z.array(ExporterInfo) });

/** Spelled out once in the specification, for lines of the record. */
const event = z
  .looseObject({ id: z.string(), type: z.enum(EVENT_TYPES) })
  .describe("As a line of `GET /v1/events`, without its cursor.") as unknown as z.ZodType<
  RuntimeEvent,
  RuntimeEvent
>;

export const DeadLetterPage = z.object({
  items: z.array(
    z.object({
      deadAt: z.string(),
      reason: z.string(),
      event: event.optional(),
      telemetry: z
        .object({
          signal: z.enum(["traces", "logs", "metrics"]),
          items: z.number(),
          orgId: z.string(),
          sandboxId: z.string(),
          runId: z.string(),
          receivedAt: z.string(),
          sizeBytes: z.number(),
        })
        .optional(),
    }),
  ),
  nextCursor: z.string().optional(),
});

export const FlushResult = z.object({
  delivered: z.number(),
  dropped: z.number(),
  pending: z.number(),
});

function isTime(text: string): boolean {
  return z.iso.datetime({ offset: true }).safeParse(text).success;
}
