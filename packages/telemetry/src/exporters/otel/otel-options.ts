import { z } from "zod";
import { SIGNALS } from "../../otlp/model.ts";
import { commonOptions } from "../common-options.ts";
import { secretSchema } from "../secret.ts";
import { PROTOCOLS } from "./otel-endpoints.ts";

/** Bounds of what the environment may say in place of a common option. */
export const MAX_BATCH = 10_000;
export const MAX_QUEUE = 1_000_000;
export const MAX_WAIT_MS = 3_600_000;

const batchConfig = z.strictObject({
  /** Most events held in memory; never a reason to drop one. Default 2048 (`OTEL_BSP_MAX_QUEUE_SIZE`). */
  maxQueueSize: z.int().min(1).max(MAX_QUEUE).optional(),
  /** Most events in one batch. Default 512 (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`). */
  maxExportBatchSize: z.int().min(1).max(MAX_BATCH).optional(),
  /** Longest that an event waits for its batch to fill. Default 1000 (`OTEL_BSP_SCHEDULE_DELAY`). */
  scheduleDelayMs: z.int().min(0).max(MAX_WAIT_MS).optional(),
});

const tls = z.strictObject({
  /** PEM file of authorities in place of the system's (`OTEL_EXPORTER_OTLP_CERTIFICATE`). */
  ca: z.string().min(1).optional(),
  /** PEM file of the client's certificate (`OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`), with `key`. */
  cert: z.string().min(1).optional(),
  /** PEM file of its key (`OTEL_EXPORTER_OTLP_CLIENT_KEY`). */
  key: z.string().min(1).optional(),
  /** Takes any certificate of the server. Default false. */
  insecure: z.boolean().optional(),
});

/** What is left out is read from the standard variables of OpenTelemetry, which stand in brackets. */
export const otelSchema = z.strictObject({
  ...commonOptions,
  /** A base URL, or one that ends in `/v1/traces`: signals go to the paths beside it (`OTEL_EXPORTER_OTLP_ENDPOINT`). */
  endpoint: z.string().min(1).optional(),
  /** Default "http/protobuf" (`OTEL_EXPORTER_OTLP_PROTOCOL`). */
  protocol: z.enum(PROTOCOLS).optional(),
  /** Sent with every request (`OTEL_EXPORTER_OTLP_HEADERS`). */
  headers: z.record(z.string(), secretSchema).optional(),
  /** Default "sandglass" (`OTEL_SERVICE_NAME`). */
  serviceName: z.string().min(1).optional(),
  /** Default the version of Sandglass. */
  serviceVersion: z.string().min(1).optional(),
  /** On everything that is sent (`OTEL_RESOURCE_ATTRIBUTES`). */
  resourceAttributes: z.record(z.string().min(1), z.union([z.string(), z.number(), z.boolean()])).optional(),
  /** "simple" sends each event at once, by itself. Default "batch". */
  spanProcessor: z.enum(["batch", "simple"]).optional(),
  batchConfig: batchConfig.optional(),
  /** Default all that there is an endpoint for. */
  signals: z.array(z.enum(SIGNALS)).min(1).optional(),
  /** Default "gzip", and "none" to this host (`OTEL_EXPORTER_OTLP_COMPRESSION`). */
  compression: z.enum(["gzip", "none"]).optional(),
  tls: tls.optional(),
  /** Also passes on what sandboxes and agents send with OTLP. Default true. */
  telemetry: z.boolean().optional(),
  /** Of metrics. Default "cumulative" (`OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`). */
  temporality: z.enum(["cumulative", "delta"]).optional(),
});
export type OtelOptions = z.output<typeof otelSchema>;
