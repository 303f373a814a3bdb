import * as z from "zod";
import { Cause } from "./sandbox.ts";

export const TraceSpan = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string(),
  name: z.string(),
  kind: z.enum(["INTERNAL", "SERVER"]),
  startTime: z.string(),
  durationMs: z.number(),
  status: z.enum(["ok", "error", "running"]),
  cause: Cause.optional(),
  sandboxId: z.string(),
  attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
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
