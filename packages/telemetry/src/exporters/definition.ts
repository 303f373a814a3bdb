import type { RuntimeEvent } from "@sandglass/protocol";
import type { z } from "zod";
import type { Checkpoint, DeliveryTraits, Exporter } from "../delivery/exporter.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where and by whom an exporter is configured. */
export interface PrepareContext {
  readonly env: Environment;
  /** Relative paths are below it. */
  readonly cwd: string;
  /** False where a key without the scope `admin` set it: then no private, loopback or link-local destination, and no file. */
  readonly isTrusted: boolean;
  /** Origins (`http://127.0.0.1:7070`) of this daemon: an exporter that sends there would feed itself. */
  readonly ownOrigins: readonly string[];
}

/** What a user's `onError` is told. */
export interface DeliveryFailure {
  readonly exporter: string;
  /** Without secrets. */
  readonly message: string;
  /** How many events it concerns. */
  readonly events: number;
  readonly willRetry: boolean;
}

/** How an exporter reads a log whose records are no events. */
export interface RecordReading {
  /** Whether it is for this destination; else it is counted as filtered. */
  accepts(payload: Buffer): boolean;
  /** For the dead-letter file: JSON. */
  toJson(payload: Buffer): string;
  /** When it was taken, Unix time in milliseconds; undefined where the bytes do not say. */
  timeOf(payload: Buffer): number | undefined;
}

/** A destination, configured and checked, not yet opened. */
export interface PreparedExporter {
  /** Where it sends to, for people, without secrets: `https://cloud.axiom.co, dataset sandglass-events`. */
  readonly destination: string;
  /** Secret values that must not be seen in anything said about it; replaced wherever they would appear. */
  readonly secrets: readonly string[];
  /** What only one exporter may have, e.g. a file: `file:/var/log/events.jsonl`. */
  readonly claims?: readonly string[];
  readonly traits: DeliveryTraits;
  /** Set where it reads another log than that of events. */
  readonly records?: RecordReading;
  /** Events that mean nothing to this destination as configured are left out and counted as filtered. Default all are taken. */
  accepts?(event: RuntimeEvent): boolean;
  /** That depends on the event's type alone: it is not asked again of a type that it was asked of. */
  readonly acceptsByType?: boolean;
  /** Asked at start where the exporter is `required`: throws an Error that says what cannot be reached and why. */
  verify?(signal: AbortSignal): Promise<void>;
  readonly onError?: ((failure: DeliveryFailure) => void) | undefined;
  /**
   * Opens files and makes clients; must not wait for a network. `checkpoint` is what the last committed `export` returned.
   * What it throws is tried again, as for `export`.
   */
  open(resume: { readonly checkpoint: Checkpoint | undefined }): Promise<Exporter>;
}

/**
 * One provider of the configuration: `{provider: "jsonl", config: {…}}`.
 *
 * @example
 * export const jsonl = defineExporter({ provider: "jsonl", schema: strictObject({ filePath: z.string() }), prepare(options, context) { … } })
 */
export interface ExporterDefinition<Schema extends z.ZodType = z.ZodType> {
  readonly provider: string;
  /**
   * It is one of ours, and may run in the thread of the exporters, away from the event loop that serves requests. Default false:
   * it runs where it was made.
   */
  readonly mayRunInThread?: boolean;
  /** Of `config`, strict: an option that does not exist is an error that names the nearest one. */
  readonly schema: Schema;
  /** Fills in defaults from the environment and checks what the schema cannot. Throws SandglassError INVALID_REQUEST naming the option. */
  prepare(options: z.output<Schema>, context: PrepareContext): PreparedExporter;
}

/** Where an exporter's definition is found by its provider. Throws SandglassError INVALID_REQUEST for one that is not known. */
export interface ExporterProviders {
  find(provider: string): ExporterDefinition;
}

export function defineExporter<Schema extends z.ZodType>(
  definition: ExporterDefinition<Schema>,
): ExporterDefinition<Schema> {
  return definition;
}
