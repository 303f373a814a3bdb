import type { DeliveryTraits } from "../../delivery/exporter.ts";
import { SIGNALS, type Signal } from "../../otlp/model.ts";
import { traitsOf } from "../common-options.ts";
import type { OtelEnv } from "./otel-env.ts";
import { MAX_BATCH, MAX_QUEUE, MAX_WAIT_MS, type OtelOptions } from "./otel-options.ts";
import { timeoutOfSignals } from "./otel-signal-env.ts";

/** Half of what gRPC servers take at most by default; what JSON says in so many bytes, OTLP says in about as many. */
const BATCH_BYTES = 2 * 1024 * 1024;
const TIMEOUT_MS = 10_000;

/**
 * How the delivery feeds OTLP. The common options win over `spanProcessor` and `batchConfig`, which win over the environment.
 *
 * @throws SandglassError INVALID_REQUEST naming a variable that holds no such number
 */
export function otelTraits(options: OtelOptions, env: OtelEnv): DeliveryTraits {
  const { batchConfig = {} } = options;
  const batch =
    options.spanProcessor === "simple"
      ? { batchSize: 1, flushIntervalMs: 0 }
      : {
          batchSize:
            batchConfig.maxExportBatchSize ??
            env.integer("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1, MAX_BATCH) ??
            512,
          flushIntervalMs:
            batchConfig.scheduleDelayMs ?? env.integer("OTEL_BSP_SCHEDULE_DELAY", 0, MAX_WAIT_MS) ?? 1000,
        };
  return traitsOf(options, {
    order: "none",
    concurrency: 4,
    ...batch,
    batchBytes: BATCH_BYTES,
    maxQueueSize: batchConfig.maxQueueSize ?? env.integer("OTEL_BSP_MAX_QUEUE_SIZE", 1, MAX_QUEUE) ?? 2048,
    timeoutMs: timeoutFrom(env, options.signals ?? SIGNALS),
    // Read from their bytes; a record that is no event is rejected then.
    needsEvents: false,
  });
}

/** 0 is no limit by the specification: as long as there is. */
function timeoutFrom(env: OtelEnv, signals: readonly Signal[]): number {
  const own = timeoutOfSignals(env, signals, MAX_WAIT_MS);
  if (own !== undefined) return own || MAX_WAIT_MS;
  for (const name of ["OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_BSP_EXPORT_TIMEOUT"]) {
    const timeoutMs = env.integer(name, 0, MAX_WAIT_MS);
    if (timeoutMs !== undefined) return timeoutMs || MAX_WAIT_MS;
  }
  return TIMEOUT_MS;
}
