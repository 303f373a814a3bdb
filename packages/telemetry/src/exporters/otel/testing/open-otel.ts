import type { RuntimeEvent } from "@sandglass/protocol";
import type { Exporter, ExportResult } from "../../../delivery/exporter.ts";
import type { PrepareContext, PreparedExporter } from "../../definition.ts";
import { testBatch } from "../../http/testing/event-batch.ts";
import { otel } from "../../otel.ts";

export const TRUSTED: PrepareContext = { env: {}, cwd: "/", isTrusted: true, ownOrigins: [] };

/** Checks a configuration as the delivery does and prepares it. */
export function prepareOtel(config: object, context: Partial<PrepareContext> = {}): PreparedExporter {
  return otel.prepare(otel.schema.parse(config), { ...TRUSTED, ...context });
}

/** An exporter that is shut down at the end of its block. */
export async function openOtel(
  config: object,
  context: Partial<PrepareContext> = {},
): Promise<Exporter & AsyncDisposable> {
  const exporter = await prepareOtel(config, context).open({ checkpoint: undefined });
  return {
    export: (batch, options) => exporter.export(batch, options),
    shutdown: () => exporter.shutdown(),
    [Symbol.asyncDispose]: () => exporter.shutdown(),
  };
}

/** Sends events as one batch, once. */
export function exportOnce(exporter: Exporter, events: readonly RuntimeEvent[]): Promise<ExportResult> {
  return exporter.export(testBatch(events), { signal: new AbortController().signal });
}
