import { SandglassError } from "@sandglass/protocol";
import { ExporterRegistry, type ObservabilityExporterFactory } from "@sandglass/telemetry";

/** Providers that exporters of this process may name: ours, and those that a program or a configuration file registers. */
export const exporterRegistry: ExporterRegistry = ExporterRegistry.builtIn();

/** Of the user's own, by provider. */
const factories = new Map<string, ObservabilityExporterFactory>();

/**
 * Makes an exporter of the user's own known. Under a name that was registered before, exporters that begin from now on are made by
 * the new one: a configuration file that is read again registers again.
 *
 * @throws SandglassError INVALID_REQUEST for a name of ours, one that cannot be, and what is no function
 */
export function registerExporter(provider: string, create: ObservabilityExporterFactory): void {
  if (typeof create !== "function") {
    throw new SandglassError(
      "INVALID_REQUEST",
      `the exporter "${provider}" has to be a function that makes one`,
      { hint: "e.g. () => new MyExporter()" },
    );
  }
  if (!factories.has(provider)) {
    exporterRegistry.register(provider, () => (factories.get(provider) ?? create)());
  }
  factories.set(provider, create);
}
