import { z } from "zod";
import type { ExporterDefinition, ExporterProviders, PreparedExporter } from "../../exporters/definition.ts";
import type { Checkpoint, DeliveryTraits, EventBatch, ExportResult } from "../exporter.ts";

const TRAITS: DeliveryTraits = {
  order: "none",
  concurrency: 1,
  batchSize: 10,
  batchBytes: 1024 * 1024,
  flushIntervalMs: 5,
  maxQueueSize: 50,
  timeoutMs: 1_000,
};

/** A destination in memory whose answers a test decides. */
export class ScriptedDestination {
  /** Ids in the order of their arrival, of batches that were answered `ok`. */
  readonly received: string[] = [];
  /** Every batch that was tried, as the ids in it. */
  readonly attempts: string[][] = [];
  /** Checkpoints that the exporter was opened with. */
  readonly openedWith: (Checkpoint | undefined)[] = [];
  shutdowns = 0;
  inFlight = 0;
  mostInFlight = 0;
  readonly #traits: DeliveryTraits;
  readonly #extra: Partial<PreparedExporter>;
  /** Default: takes everything. */
  answer: (batch: EventBatch, signal: AbortSignal) => Promise<ExportResult> | ExportResult = () => ({
    status: "ok",
  });

  constructor(traits: Partial<DeliveryTraits> = {}, extra: Partial<PreparedExporter> = {}) {
    this.#traits = { ...TRAITS, ...traits };
    this.#extra = extra;
  }

  get definition(): ExporterDefinition {
    return {
      provider: "scripted",
      schema: z.strictObject({ token: z.string().optional() }),
      prepare: () => this.#prepared(),
    };
  }

  #prepared(): PreparedExporter {
    return {
      destination: "memory",
      secrets: [],
      traits: this.#traits,
      open: async ({ checkpoint }) => {
        this.openedWith.push(checkpoint);
        return {
          export: (batch, { signal }) => this.#export(batch, signal),
          shutdown: async () => {
            this.shutdowns += 1;
          },
        };
      },
      ...this.#extra,
    };
  }

  async #export(batch: EventBatch, signal: AbortSignal): Promise<ExportResult> {
    const ids = batch.events.map(({ event }) => event.id);
    this.attempts.push(ids);
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    try {
      const result = await this.answer(batch, signal);
      if (result.status === "ok") this.received.push(...ids);
      return result;
    } finally {
      this.inFlight -= 1;
    }
  }
}

/** The providers of a test, by name. */
export function providers(destinations: Readonly<Record<string, ScriptedDestination>>): ExporterProviders {
  return {
    find(provider) {
      const destination = destinations[provider];
      if (destination === undefined) throw new Error(`no provider ${provider}`);
      return { ...destination.definition, provider };
    },
  };
}
