import * as z from "zod";
import { runId, sandboxId, spanId, traceId } from "./fields.ts";
import { cursor, pageLimit, queryBoolean, queryInteger } from "./query-fields.ts";
import { Cause } from "./sandbox.ts";
import { strictObject } from "./strict-object.ts";

const attributes = z.record(z.string(), z.unknown());

export const SpanKind = z.enum(["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]);

export const TraceSpan = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string(),
  name: z.string(),
  kind: SpanKind,
  startTime: z.string(),
  durationMs: z.number(),
  status: z.enum(["ok", "error", "unset", "running"]),
  message: z.string().optional(),
  cause: Cause.optional(),
  sandboxId: z.string(),
  origin: z.enum(["client", "sandbox"]).optional(),
  service: z.string().optional(),
  scope: z.object({ name: z.string(), version: z.string().optional() }).optional(),
  attributes,
  events: z.array(z.object({ timestamp: z.string(), name: z.string(), attributes })).optional(),
  links: z.array(z.object({ traceId: z.string(), spanId: z.string(), attributes })).optional(),
});

export const TraceInfo = z.object({
  traceId: z.string(),
  spans: z.array(TraceSpan),
  events: z.array(
    z.object({
      timestamp: z.string(),
      type: z.string(),
      spanId: z.string(),
      sandboxId: z.string(),
      data: z.record(z.string(), z.unknown()),
    }),
  ),
});

export const TraceSummary = z.object({
  traceId: z.string(),
  name: z.string(),
  service: z.string(),
  startTime: z.string(),
  durationMs: z.number(),
  spans: z.number(),
  errors: z.number(),
  sandboxId: z.string(),
  runId: z.string(),
});
export const TracePage = z.object({ items: z.array(TraceSummary), nextCursor: z.string().optional() });

/** ISO 8601, with its zone. */
const time = z.iso.datetime({
  offset: true,
  error: "must be an ISO 8601 time with its zone, e.g. 2026-04-18T14:00:00Z",
});
const text = (max: number) => z.string().min(1, { error: "must not be empty" }).max(max);
const range = { since: time.optional(), until: time.optional() };

/** Newest first. */
export const ListTracesQuery = strictObject({
  limit: pageLimit,
  cursor: cursor.optional(),
  ...range,
  minDurationMs: queryInteger(0, 1e12, "milliseconds").optional(),
  /** True: with a failed span. */
  error: queryBoolean.optional(),
  service: text(200).optional(),
  /** A part of the name of its first span, in any case. */
  name: text(200).optional(),
  sandboxId: sandboxId.optional(),
  runId: runId.optional(),
  /** `name=value` of an attribute of any of its spans. */
  attribute: z
    .string()
    .max(1000)
    .regex(/^[^=]+=/, { error: "must be name=value, e.g. process.exit.code=1" })
    .optional(),
});
export type ListTracesQuery = z.output<typeof ListTracesQuery>;

export const LogEntry = z.object({
  id: z.string(),
  timestamp: z.string(),
  severity: z.number(),
  body: z.string(),
  name: z.string().optional(),
  traceId: z.string(),
  spanId: z.string(),
  sandboxId: z.string(),
  runId: z.string(),
  origin: z.enum(["client", "sandbox"]).optional(),
  service: z.string(),
  attributes,
});
export const LogPage = z.object({ items: z.array(LogEntry), nextCursor: z.string().optional() });

/** Newest first. */
export const ListLogsQuery = strictObject({
  limit: pageLimit,
  cursor: cursor.optional(),
  ...range,
  /** OpenTelemetry's number of it: 9 is INFO, 13 WARN, 17 ERROR. */
  minSeverity: queryInteger(1, 24, "").optional(),
  /** A part of the body, in any case. */
  text: text(200).optional(),
  service: text(200).optional(),
  sandboxId: sandboxId.optional(),
  runId: runId.optional(),
  traceId: traceId.optional(),
  spanId: spanId.optional(),
});
export type ListLogsQuery = z.output<typeof ListLogsQuery>;
