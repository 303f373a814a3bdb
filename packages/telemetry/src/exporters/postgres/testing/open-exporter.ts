import type { TestContext } from "node:test";
import type { EventBatch, Exporter, ExportResult } from "../../../delivery/exporter.ts";
import type { PrepareContext, PreparedExporter } from "../../definition.ts";
import { postgres } from "../../postgres.ts";

export const TRUSTED: PrepareContext = { env: {}, cwd: "/", isTrusted: true, ownOrigins: [] };

export function prepare(
  config: Record<string, unknown>,
  context: Partial<PrepareContext> = {},
): PreparedExporter {
  return postgres.prepare(postgres.schema.parse(config), { ...TRUSTED, ...context });
}

/** An exporter that is shut down when the test ends. */
export async function openExporter(t: TestContext, config: Record<string, unknown>): Promise<Exporter> {
  const exporter = await prepare(config).open({ checkpoint: undefined });
  t.after(() => exporter.shutdown());
  return exporter;
}

/** One attempt, without a time limit. */
export function send(exporter: Exporter, batch: EventBatch): Promise<ExportResult> {
  return exporter.export(batch, { signal: new AbortController().signal });
}
