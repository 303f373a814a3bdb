import type { ExporterInfo } from "@sandglass/protocol";
import type { Delivery, ExporterOwner } from "@sandglass/telemetry";
import { ExporterFile, type KeptExporter } from "./exporter-file.ts";

/** The exporters that come back at every start, because they were added through the API. */
export class KeptExporters {
  readonly #file: ExporterFile;
  #entries: ReadonlyMap<string, KeptExporter>;
  /** Those that could not be brought back, by id. They stay kept: the next try may find what they lacked. */
  readonly #broken = new Map<string, ExporterInfo>();

  private constructor(file: ExporterFile, entries: readonly KeptExporter[]) {
    this.#file = file;
    this.#entries = new Map(entries.map((entry) => [entry.spec.id, entry]));
  }

  /** @throws Error where what is kept cannot be understood */
  static async open(dataDir: string): Promise<KeptExporters> {
    const file = new ExporterFile(dataDir);
    return new KeptExporters(file, await file.read());
  }

  all(): KeptExporter[] {
    return [...this.#entries.values()];
  }

  get(id: string): KeptExporter | undefined {
    return this.#entries.get(id);
  }

  /** Why they do not run, in the form of all others. */
  broken(orgId?: string): ExporterInfo[] {
    const all = [...this.#broken.values()];
    return orgId === undefined ? all : all.filter(({ id }) => this.get(id)?.orgId === orgId);
  }

  isBroken(id: string): boolean {
    return this.#broken.has(id);
  }

  /** Begins to deliver again. What prevents that is not thrown but returned, and told of by {@link broken}. */
  async bringBack({ spec, orgId, isTrusted }: KeptExporter, delivery: Delivery): Promise<unknown> {
    // A destination that is away by now is no reason to take no events for it.
    const { required: _, ...options } = spec;
    try {
      await delivery.add(options, ownerOf({ orgId, isTrusted }));
      this.#broken.delete(spec.id);
      return undefined;
    } catch (error) {
      this.#broken.set(spec.id, brokenInfo(spec, error));
      return error;
    }
  }

  /** Resolves when it is on disk; where that fails, nothing has changed. One change at a time. */
  async set(spec: KeptExporter["spec"], { orgId, isTrusted }: ExporterOwner): Promise<void> {
    await this.#save(new Map(this.#entries).set(spec.id, { spec, orgId, isTrusted }));
    this.#broken.delete(spec.id);
  }

  /** As {@link set}. */
  async delete(id: string): Promise<void> {
    const entries = new Map(this.#entries);
    if (entries.delete(id)) await this.#save(entries);
    this.#broken.delete(id);
  }

  async #save(entries: ReadonlyMap<string, KeptExporter>): Promise<void> {
    await this.#file.write([...entries.values()]);
    this.#entries = entries;
  }
}

export function ownerOf({ orgId, isTrusted }: Pick<KeptExporter, "orgId" | "isTrusted">): ExporterOwner {
  return { origin: "api", isTrusted, ...(orgId !== undefined && { orgId }) };
}

function brokenInfo({ id, provider }: KeptExporter["spec"], error: unknown): ExporterInfo {
  return {
    id,
    provider,
    destination: "",
    state: "disabled",
    origin: "api",
    counts: { accepted: 0, delivered: 0, filtered: 0, queued: 0, inFlight: 0, dropped: {} },
    lagMs: 0,
    failedAttempts: 0,
    failedEvents: 0,
    filterErrors: 0,
    lastError: {
      at: new Date().toISOString(),
      message: `could not be started: ${error instanceof Error ? error.message : String(error)}`,
    },
  };
}
