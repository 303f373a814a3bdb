import { nearestName, SandglassError } from "@sandglass/protocol";
import { axiom } from "./axiom.ts";
import { consoleExporter } from "./console.ts";
import type { ObservabilityExporterFactory } from "./custom/observability-exporter.ts";
import { customDefinition } from "./custom.ts";
import type { ExporterDefinition, ExporterProviders } from "./definition.ts";
import { jsonl } from "./jsonl.ts";
import { otel } from "./otel.ts";
import { postgres } from "./postgres.ts";
import { webhook } from "./webhook.ts";

/** Fit to be an exporter's id: part of a file's name, a metric's label and a URL. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$/;

/** The providers that a configuration may name. */
export class ExporterRegistry implements ExporterProviders {
  readonly #definitions = new Map<string, ExporterDefinition>();

  /** One that knows ours. */
  static builtIn(): ExporterRegistry {
    const registry = new ExporterRegistry();
    for (const definition of [axiom, otel, jsonl, postgres, consoleExporter, webhook]) {
      registry.#add(definition);
    }
    return registry;
  }

  private constructor() {
    // `builtIn` is the only way to one.
  }

  /** Names that are known, in the order they came. */
  get providers(): string[] {
    return [...this.#definitions.keys()];
  }

  /**
   * Makes an exporter of the user's own known by a name.
   *
   * @param factory called for each exporter that is configured with that provider
   * @throws SandglassError INVALID_REQUEST for a name that is taken or cannot be one
   * @example registry.register("my-exporter", () => new MyExporter())
   */
  register(provider: string, factory: ObservabilityExporterFactory): void {
    if (typeof provider !== "string" || !NAME.test(provider)) {
      throw invalid(
        "a provider's name must be up to 50 letters, digits, dots, dashes and underscores, a letter or digit first",
      );
    }
    if (this.#definitions.has(provider)) {
      throw invalid(`the provider "${provider}" is there already`, "give yours another name");
    }
    if (typeof factory !== "function") {
      throw invalid(
        `the provider "${provider}" must be registered with a function that makes an exporter`,
        `e.g. () => new MyExporter()`,
      );
    }
    this.#add(customDefinition(provider, factory));
  }

  /** @throws SandglassError INVALID_REQUEST for one that is not known, naming the nearest that is */
  find(provider: string): ExporterDefinition {
    const definition = this.#definitions.get(provider);
    if (definition !== undefined) return definition;
    const nearest = nearestName(provider, this.#definitions.keys());
    const known = this.providers.join(", ");
    const advice = nearest === undefined ? `; there are ${known}` : `; did you mean "${nearest}"?`;
    throw invalid(
      `unknown provider ${JSON.stringify(provider.slice(0, 64))}${advice}`,
      `it is one of ${known}, or one that was registered before`,
    );
  }

  #add<Definition extends ExporterDefinition>(definition: Definition): void {
    this.#definitions.set(definition.provider, definition);
  }
}

function invalid(message: string, hint?: string): SandglassError {
  return new SandglassError("INVALID_REQUEST", message, { hint });
}
