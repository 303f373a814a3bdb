import { SandglassError } from "@sandglass/protocol";
import { z } from "zod";
import type { DeliveryTraits } from "../delivery/exporter.ts";
import { commonOptions, traitsOf } from "./common-options.ts";
import { CustomExporter } from "./custom/custom-exporter.ts";
import type { ObservabilityExporterFactory } from "./custom/observability-exporter.ts";
import { resolveSecrets } from "./custom/resolve-secrets.ts";
import { defineExporter, type ExporterDefinition } from "./definition.ts";

/** Whatever the exporter takes; the options that all take are checked, and given to it as well. */
const schema = z.looseObject(commonOptions);

const TRAITS: DeliveryTraits = {
  order: "total",
  concurrency: 1,
  batchSize: 100,
  batchBytes: 1024 * 1024,
  flushIntervalMs: 1000,
  maxQueueSize: 10_000,
  timeoutMs: 30_000,
};

/**
 * The definition for a user's exporter: the one place where the public interface and the internal one meet. Batches come one at a time
 * in the order of the record; with `concurrency` above 1 that many at once, in any order.
 */
export function customDefinition(
  provider: string,
  factory: ObservabilityExporterFactory,
): ExporterDefinition<typeof schema> {
  return defineExporter({
    provider,
    schema,
    prepare(options, context) {
      if (!context.isTrusted) {
        throw new SandglassError("INVALID_REQUEST", `${provider} runs code of the daemon's own`, {
          hint: "configure it with a key that has the scope admin, or where the daemon is started",
        });
      }
      const { secrets } = resolveSecrets(options, context.env);
      // A configuration of its own for each: what one does to it is not the next one's.
      const open = () =>
        CustomExporter.open(provider, factory, resolveSecrets(options, context.env).resolved);
      const traits = traitsOf(options, TRAITS);
      return {
        destination: provider,
        secrets,
        traits: { ...traits, order: traits.concurrency > 1 ? "none" : "total" },
        onError: options.onError,
        async verify() {
          const exporter = await open();
          await exporter.shutdown();
        },
        open,
      };
    },
  });
}
