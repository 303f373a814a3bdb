import type { RuntimeEvent } from "@sandglass/protocol";
import type { EventBatch, Exporter, ExportResult } from "../../delivery/exporter.ts";
import { parseEvent } from "../../record/parse-event.ts";
import { cleanText } from "../http/clean-text.ts";
import { PermanentError } from "../permanent-error.ts";
import type { ObservabilityExporter, ObservabilityExporterFactory } from "./observability-exporter.ts";

const METHODS = ["initialize", "export", "flush", "dispose"] as const;

/** A user's exporter as one of ours: what it throws is a result. */
export class CustomExporter implements Exporter {
  readonly #exporter: ObservabilityExporter;

  /** Throws what the factory and `initialize` throw, and for what is no exporter. */
  static async open(
    provider: string,
    factory: ObservabilityExporterFactory,
    config: Record<string, unknown>,
  ): Promise<CustomExporter> {
    const exporter = await factory();
    checkShape(provider, exporter);
    await exporter.initialize(config);
    return new CustomExporter(exporter);
  }

  private constructor(exporter: ObservabilityExporter) {
    this.#exporter = exporter;
  }

  async export(batch: EventBatch): Promise<ExportResult> {
    try {
      await this.#exporter.export(copiesOf(batch));
      // So that "delivered" is true also of an exporter that gathers.
      await this.#exporter.flush();
      return { status: "ok" };
    } catch (error) {
      return { status: isPermanent(error) ? "fail" : "retry", reason: reasonOf(error) };
    }
  }

  async shutdown(): Promise<void> {
    await this.#exporter.dispose();
  }
}

/** Parsed anew for each try: what the code does to an event reaches neither the next try nor a filter. */
function copiesOf({ events }: EventBatch): RuntimeEvent[] {
  return events.map((event) => parseEvent(event.payload.toString("utf8")) ?? event.event);
}

/** By its name too: the user's program may have a copy of this package of its own. */
function isPermanent(error: unknown): boolean {
  return error instanceof PermanentError || (error instanceof Error && error.name === "PermanentError");
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return cleanText(text);
}

function checkShape(provider: string, exporter: unknown): asserts exporter is ObservabilityExporter {
  if (typeof exporter !== "object" || exporter === null) {
    throw new Error(`what was registered as "${provider}" made no exporter but ${String(exporter)}`);
  }
  const given = exporter as Readonly<Record<string, unknown>>;
  const missing = METHODS.filter((name) => typeof given[name] !== "function").map((name) => `${name}()`);
  if (typeof given.id !== "string") missing.unshift("id");
  if (missing.length > 0) throw new Error(`the exporter "${provider}" lacks ${missing.join(", ")}`);
}
