import * as z from "zod";
import { runId, sandboxId, spanId, traceId } from "./fields.ts";
import {
  cursor,
  pageLimit,
  queryAttribute,
  queryBoolean,
  queryInteger,
  queryList,
  queryText,
  timeRange,
} from "./query-fields.ts";
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
  /** What it was about, in one line: its run's name, the first cell or command, else the request's route. */
  subject: z.string(),
  service: z.string(),
  startTime: z.string(),
  durationMs: z.number(),
  spans: z.number(),
  errors: z.number(),
  sandboxId: z.string(),
  runId: z.string(),
});
export const TracePage = z.object({ items: z.array(TraceSummary), nextCursor: z.string().optional() });

/** Newest first. */
export const ListTracesQuery = strictObject({
  limit: pageLimit,
  cursor: cursor.optional(),
  ...timeRange,
  minDurationMs: queryInteger(0, 1e12, "milliseconds").optional(),
  maxDurationMs: queryInteger(0, 1e12, "milliseconds").optional(),
  /** True: with a failed span. */
  error: queryBoolean.optional(),
  service: queryText(200).optional(),
  /** A part of the name of its first span, in any case. */
  name: queryText(200).optional(),
  sandboxId: sandboxId.optional(),
  runId: runId.optional(),
  /** Of its first sandbox. */
  template: queryText(100).optional(),
  /** `name=value` of an attribute of any of its spans; repeated: all of them. */
  attribute: queryList(queryAttribute, 10).optional(),
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

const logsWanted = {
  /** OpenTelemetry's number of it: 9 is INFO, 13 WARN, 17 ERROR. */
  minSeverity: queryInteger(1, 24, "").optional(),
  /** A part of the body, in any case. */
  text: queryText(200).optional(),
  /** Words of the body, all of them: `word`, `begin*`, `"a phrase"`, `-not`. */
  search: queryText(500).optional(),
  service: queryText(200).optional(),
  sandboxId: sandboxId.optional(),
  runId: runId.optional(),
  traceId: traceId.optional(),
  spanId: spanId.optional(),
  /** `name=value`; repeated: all of them. */
  attribute: queryList(queryAttribute, 10).optional(),
};

/** Newest first. */
export const ListLogsQuery = strictObject({
  limit: pageLimit,
  cursor: cursor.optional(),
  ...timeRange,
  ...logsWanted,
  /** A record's id: it and what its sandbox, else its service, said before and after it; nothing else is looked at but `lines`. */
  around: z
    .string()
    .regex(/^log_[0-9]{1,15}$/, { error: "must be the id of a log record" })
    .optional(),
  /** Records on each side of `around`. */
  lines: queryInteger(1, 500, "records").default(20),
});
export type ListLogsQuery = z.output<typeof ListLogsQuery>;

/** From now on. */
export const FollowLogsQuery = strictObject(logsWanted);
export type FollowLogsQuery = z.output<typeof FollowLogsQuery>;
export const LogLine = z.union([LogEntry, z.object({ type: z.literal("gap"), missed: z.number() })]);
