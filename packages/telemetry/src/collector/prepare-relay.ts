import { parseRequest } from "@sandglass/protocol/schemas";
import type { ExporterOptions } from "../delivery/exporter-options.ts";
import { traitsOf } from "../exporters/common-options.ts";
import type { PrepareContext, PreparedExporter, RecordReading } from "../exporters/definition.ts";
import { otelSchema } from "../exporters/otel/otel-options.ts";
import { otelTraits } from "../exporters/otel/otel-traits.ts";
import { resolveOtel } from "../exporters/otel/resolve-otel.ts";
import { protobufToJson } from "../otlp/protobuf-to-json.ts";
import { RelayExporter } from "./relay-exporter.ts";
import type { SentItems } from "./sent-items.ts";
import { readTelemetryRecord } from "./telemetry-record.ts";

/** Requests in one that is passed on, and their bytes: half of what gRPC servers take at most by default. */
const BATCH_REQUESTS = 64;
const BATCH_BYTES = 2 * 1024 * 1024;
/** Senders have gathered already. */
const FLUSH_INTERVAL_MS = 100;
const MAX_QUEUE = 512;

/** Whether an exporter passes on what sandboxes and programs send, beside the events. */
export function isRelay({ provider, config = {} }: ExporterOptions): boolean {
  return provider === "otel" && (config as { telemetry?: unknown }).telemetry !== false;
}

/**
 * Prepares an `otel` exporter's other half: for the log of telemetry.
 *
 * @param orgId only what belongs to this organisation
 * @param counted told of every attempt to send
 * @throws SandglassError INVALID_REQUEST naming the option
 */
export function prepareRelay(
  { config = {} }: ExporterOptions,
  context: PrepareContext,
  orgId: string | undefined,
  counted: SentItems,
): PreparedExporter {
  const options = parseRequest(otelSchema, config);
  const resolved = resolveOtel(options, context.isTrusted ? context : { ...context, env: {} });
  const { timeoutMs } = otelTraits(options, resolved.env);
  return {
    destination: resolved.destination,
    secrets: resolved.secrets,
    traits: {
      ...traitsOf(
        {},
        {
          order: "none",
          concurrency: 4,
          batchSize: BATCH_REQUESTS,
          batchBytes: BATCH_BYTES,
          flushIntervalMs: FLUSH_INTERVAL_MS,
          maxQueueSize: MAX_QUEUE,
          timeoutMs,
        },
      ),
      needsEvents: false,
    },
    records: readingOf(resolved.signals, orgId),
    async open() {
      const transport = await resolved.connect();
      const encode = resolved.protocol === "http/json" ? protobufToJson : undefined;
      return new RelayExporter({ transport, encode, counted });
    },
  };
}

function readingOf(signals: readonly string[], orgId: string | undefined): RecordReading {
  return {
    accepts(payload) {
      const record = readTelemetryRecord(payload);
      if (record === undefined || record.isForwardOnly) return false;
      return signals.includes(record.signal) && (orgId === undefined || record.orgId === orgId);
    },
    toJson(payload) {
      const record = readTelemetryRecord(payload);
      if (record === undefined) return "null";
      const { body, isForwardOnly: _, destinationId: __, ...head } = record;
      return JSON.stringify({ ...head, body: body.toString("base64") });
    },
    timeOf: (payload) => readTelemetryRecord(payload)?.receivedAt,
  };
}
