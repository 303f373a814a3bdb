import { z } from "zod";

const DEFAULT_BYTES = 2 * 1024 ** 3;

const prices = {
  inputPerMTok: z.number().min(0),
  outputPerMTok: z.number().min(0),
  cachedInputPerMTok: z.number().min(0).optional(),
  cacheWritePerMTok: z.number().min(0).optional(),
};
const price = z.strictObject({
  ...prices,
  longInput: z.strictObject({ ...prices, aboveTokens: z.int().min(1) }).optional(),
});

const VARIABLE = /^OTEL_EXPORTER_OTLP_[A-Z_]+$/;
const secret = z.union([z.string(), z.strictObject({ env: z.string().min(1) })]);

/** Where the telemetry of sandboxes goes whose creator names no endpoint. */
export const otelExportSchema = z
  .record(
    z.string().regex(VARIABLE, { error: "must be a variable like OTEL_EXPORTER_OTLP_ENDPOINT" }),
    secret,
  )
  .default({})
  .describe(
    "Where sandboxes' telemetry goes by default, as OTEL_EXPORTER_OTLP_* variables; `otelExport: false` keeps it",
  )
  .meta({ isSecret: true });

/** What is taken of the telemetry that sandboxes and agents send, and what is made of it. */
export const collectorSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe("Take OTLP on 127.0.0.1:4317 and :4318 in every sandbox, and at /otlp of the daemon"),
    maxBytes: z
      .int()
      .min(1024 ** 2)
      .default(DEFAULT_BYTES)
      .describe("Size of the kept telemetry before the oldest goes"),
    bytesPerSecond: z
      .int()
      .min(1024)
      .default(16 * 1024 ** 2)
      .describe("Bytes of telemetry a second that one sandbox may send"),
    itemsPerSecond: z
      .int()
      .min(1)
      .default(50_000)
      .describe("Spans, log records and data points a second that one sandbox may send"),
    inFlightBytes: z
      .int()
      .min(1024 ** 2)
      .default(32 * 1024 ** 2)
      .describe("Bytes of one sandbox's telemetry in memory at once"),
    metricStreams: z
      .int()
      .min(1)
      .default(10_000)
      .describe("Distinct series of metrics that one sandbox may send"),
    connections: z.int().min(1).default(128).describe("Connections of one sandbox at once"),
    captureContent: z
      .boolean()
      .default(false)
      .describe("Keep arguments, results and thoughts of agents that their telemetry carries"),
    prices: z
      .record(z.string().min(1), price)
      .default({})
      .describe("Prices of models in USD per million tokens, over those that are built in"),
  })
  .prefault({});
