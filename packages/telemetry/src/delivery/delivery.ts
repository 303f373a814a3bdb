import { isDeepStrictEqual } from "node:util";
import { type ExporterInfo, type FlushResult, SandglassError } from "@sandglass/protocol";
import type { PreparedExporter } from "../exporters/definition.ts";
import { Changes } from "./changes.ts";
import type { ChangeTerms, DeliveryOptions } from "./delivery-options.ts";
import { detachStrangers } from "./detach-strangers.ts";
import { assignIds, freeId, missing, sum, taken, within } from "./exporter-entries.ts";
import { ExporterFactory } from "./exporter-factory.ts";
import { CLOSE_MS, type ExporterHandle, stopForChange } from "./exporter-handle.ts";
import { checkExporterOptions, type ExporterOptions, type ExporterOwner } from "./exporter-options.ts";
import { readerName } from "./managed-exporter.ts";
import { prepareExporter, verifyRequired } from "./prepare-exporter.ts";
import { startPosition } from "./start-position.ts";

export type { DeliveryOptions } from "./delivery-options.ts";

/** Kept back of a shutdown's time for closing connections and writing cursors. */
const CLOSE_SHARE = 0.2;
/** What a destination that is away gets to come back when the daemon stops. */
const STALLED_FLUSH_MS = 1_000;
/** Shortest that closing connections is waited for, also where there is no time left. */
const LEAST_CLOSE_MS = 100;
const MAX_TIMER_MS = 2 ** 31 - 1;

interface Entry {
  id: string;
  exporter: ExporterHandle;
  prepared: PreparedExporter;
  options: ExporterOptions;
  owner: ExporterOwner;
}

/** All exporters of one record: each reads the log for itself, at its own pace, with its own fate. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #factory: ExporterFactory;
  readonly #entries = new Map<string, Entry>();
  readonly #changes = new Changes();

  static async open(options: DeliveryOptions): Promise<Delivery> {
    return new Delivery(options);
  }

  private constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#factory = new ExporterFactory(options);
  }

  /**
   * Throws what {@link Delivery.add} would, and changes nothing.
   *
   * @throws SandglassError INVALID_REQUEST: unknown provider, missing token, bad URL, unknown option, another's id or file
   */
  check(options: ExporterOptions, owner: ExporterOwner): void {
    const { id } = options;
    if (id !== undefined && this.#entries.has(id)) throw taken(id);
    this.#claim(this.#prepare(options, owner), [...this.#entries.values()]);
  }

  /**
   * Makes the exporters of the configuration be exactly these; those of the API stay. All are checked before any is touched. One
   * that stays under its id goes on where it was, one that goes leaves its place for when it comes back.
   *
   * @param reserved ids that an entry without one must not be given: of exporters that are added later
   * @throws SandglassError as `check`, with the number of the entry in the message; for a `required` one out of reach; and, with the
   *   others changed, where the place of a new one cannot be written
   */
  configure(exporters: readonly ExporterOptions[], reserved: readonly string[] = []): Promise<void> {
    return this.#changes.run(async () => {
      const owner: ExporterOwner = { origin: "config", isTrusted: true };
      const others = [...this.#entries.values()].filter((entry) => entry.owner.origin === "api");
      const prepared = exporters.map((options, index) => within(index, () => this.#prepare(options, owner)));
      const ids = assignIds(
        exporters.map(({ id, provider }, n) => ({ id, provider, destination: prepared[n]!.destination })),
        new Set([...others.map(({ id }) => id), ...reserved]),
        (id) => this.#destinationOf(id),
      );
      const wanted: { id: string; options: ExporterOptions; prepared: PreparedExporter }[] = [];
      for (const [index, options] of exporters.entries()) {
        const entry = { id: ids[index]!, options, prepared: prepared[index]! };
        within(index, () => {
          if ([...others, ...wanted].some(({ id }) => id === entry.id)) throw taken(entry.id);
          this.#claim(entry.prepared, [...others, ...wanted]);
        });
        wanted.push(entry);
      }
      await Promise.all(wanted.map((entry) => this.#verify(entry.options, entry.prepared)));
      const kept = new Set(wanted.map(({ id }) => id));
      const gone = [...this.#entries.values()].filter(
        ({ id, owner: { origin } }) => origin === "config" && !kept.has(id),
      );
      const changed = wanted.filter(({ id, options }) => {
        const current = this.#entries.get(id);
        return current === undefined || !isDeepStrictEqual(current.options, options);
      });
      // All end before one begins: two may have exchanged their files.
      await Promise.all([
        ...gone.map(({ id }) => this.#stop(id)),
        ...changed.map(({ id }) => stopForChange(this.#entries.get(id)?.exporter)),
      ]);
      const errors: unknown[] = [];
      for (const { id, options, prepared } of changed) {
        await this.#start(id, options, owner, prepared).catch((error: unknown) => errors.push(error));
      }
      detachStrangers(this.#options.recorder.log, this.#entries.keys());
      if (errors.length > 0) throw errors[0];
    });
  }

  /** @throws SandglassError as `check`; for a `required` one out of reach too; what `confirm` throws */
  add(options: ExporterOptions, owner: ExporterOwner, terms: ChangeTerms = {}): Promise<ExporterInfo> {
    return this.#changes.run(async () => {
      this.check(options, owner);
      const prepared = this.#prepare(options, owner);
      await this.#verify(options, prepared, terms);
      const reserved = [...this.#entries.keys(), ...(terms.reserved ?? [])];
      const id = options.id ?? freeId(options.provider, new Set(reserved));
      return (await this.#start(id, options, owner, prepared)).info();
    });
  }

  /** Changes an exporter, which goes on where it was. Throws as `add`, and INVALID_REQUEST where there is none. */
  replace(
    id: string,
    options: ExporterOptions,
    owner: ExporterOwner,
    terms: ChangeTerms = {},
  ): Promise<ExporterInfo> {
    return this.#changes.run(async () => {
      if (!this.#entries.has(id)) throw missing(id);
      const prepared = this.#prepare(options, owner);
      const others = [...this.#entries.values()].filter((entry) => entry.id !== id);
      this.#claim(prepared, others);
      await this.#verify(options, prepared, terms);
      return (await this.#start(id, options, owner, prepared)).info();
    });
  }

  /**
   * Ends an exporter. What is being sent may end. Its place is kept, so that one of the same id goes on there as far as the log
   * still has it; `forget` drops that too.
   */
  remove(id: string, { forget = false }: { forget?: boolean } = {}): Promise<void> {
    return this.#changes.run(async () => {
      await this.#stop(id);
      if (forget) {
        const { log } = this.#options.recorder;
        log.readerAt(readerName(id));
        await log.removeReader(readerName(id));
      }
    });
  }

  /** Of one organisation, or all of them. */
  list(orgId?: string): ExporterInfo[] {
    return [...this.#entries.values()]
      .filter(({ owner }) => orgId === undefined || owner.orgId === orgId)
      .map(({ exporter }) => exporter.info());
  }

  find(id: string, orgId?: string): ExporterInfo | undefined {
    const entry = this.#entries.get(id);
    return entry && (orgId === undefined || entry.owner.orgId === orgId) ? entry.exporter.info() : undefined;
  }

  /** Every exporter as it is configured, and by whom. */
  configured(): { id: string; options: ExporterOptions; owner: ExporterOwner }[] {
    return [...this.#entries.values()].map(({ id, options, owner }) => ({ id, options, owner }));
  }

  ownerOf(id: string): ExporterOwner | undefined {
    return this.#entries.get(id)?.owner;
  }

  /** Tries now, whatever its backoff; also wakes one that was disabled. */
  retry(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) throw missing(id);
    entry.exporter.retry();
  }

  /** Has those that hold events read them from the log again: they may have been deleted there. What is being sent may end. */
  reread(): Promise<void> {
    return this.#changes.run(async () => {
      for (const { id, options, owner, exporter } of [...this.#entries.values()]) {
        const { counts } = exporter.info();
        if (counts.queued + counts.inFlight > 0)
          await this.#start(id, options, owner, this.#prepare(options, owner));
      }
    });
  }

  /** Resolves when everything committed before it is delivered or given up, or after `timeoutMs` (default 30 s). */
  async flush(options: { ids?: readonly string[]; timeoutMs?: number } = {}): Promise<FlushResult> {
    const { ids, timeoutMs = 30_000 } = options;
    for (const id of ids ?? []) if (!this.#entries.has(id)) throw missing(id);
    const chosen = [...this.#entries.values()].filter(({ id }) => ids === undefined || ids.includes(id));
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), Math.min(timeoutMs, MAX_TIMER_MS));
    try {
      return sum(await Promise.all(chosen.map(({ exporter }) => exporter.flush(late.signal))));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Flushes within the deadline, then ends all exporters. What remains is delivered after the next start. */
  async shutdown(deadlineMs: number): Promise<FlushResult> {
    const endsAt = performance.now() + deadlineMs;
    const reason = new SandglassError("SHUTTING_DOWN", "exporters are being ended");
    await this.#changes.end(reason, deadlineMs * CLOSE_SHARE);
    const timeoutMs = Math.max(0, endsAt - performance.now() - deadlineMs * CLOSE_SHARE);
    // A destination that has been away for a while is not waited for to the end: that is what the log is for.
    const isAway = ({ exporter }: Entry): boolean => exporter.info().state === "stalled";
    const [away, there] = [true, false].map((wanted) =>
      [...this.#entries.values()].filter((entry) => isAway(entry) === wanted).map(({ id }) => id),
    );
    const results = await Promise.all([
      this.flush({ ids: there!, timeoutMs }),
      this.flush({ ids: away!, timeoutMs: Math.min(timeoutMs, STALLED_FLUSH_MS) }),
    ]);
    const result = sum(results);
    const leftMs = Math.max(0, endsAt - performance.now());
    const graceMs = result.pending > 0 ? 0 : leftMs / 2;
    const closeMs = Math.min(CLOSE_MS, Math.max(LEAST_CLOSE_MS, leftMs - graceMs));
    const all = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(all.map(({ exporter }) => exporter.stop(graceMs, closeMs)));
    await this.#factory.close();
    return result;
  }

  async #start(
    id: string,
    options: ExporterOptions,
    owner: ExporterOwner,
    prepared: PreparedExporter,
  ): Promise<ExporterHandle> {
    const { log } = this.#options.recorder;
    const known = this.#entries.get(id);
    if (known) await stopForChange(known.exporter);
    else if (!log.hasCursor(readerName(id))) {
      log.readerAt(readerName(id), { from: await startPosition(log, options.startAt ?? "latest") });
    }
    this.#changes.ending.throwIfAborted();
    const exporter = this.#factory.make(id, options, owner, prepared);
    this.#entries.set(id, { id, exporter, prepared, options, owner });
    try {
      await exporter.start();
    } catch (error) {
      // One that does not run must not look as if it did, nor keep what is in the log.
      await this.#stop(id);
      throw error;
    }
    return exporter;
  }

  /** Ends one; its place stays. */
  async #stop(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (!entry) throw missing(id);
    this.#entries.delete(id);
    await stopForChange(entry.exporter);
    this.#options.recorder.log.detachReader(readerName(id));
  }

  #prepare(options: ExporterOptions, owner: ExporterOwner): PreparedExporter {
    checkExporterOptions(options);
    const { registry, env = process.env, cwd = process.cwd(), ownOrigins = [] } = this.#options;
    return prepareExporter(registry, options, { env, cwd, ownOrigins, isTrusted: owner.isTrusted });
  }

  #claim({ claims = [] }: PreparedExporter, others: readonly Pick<Entry, "id" | "prepared">[]): void {
    for (const { id, prepared } of others) {
      const shared = claims.find((claim) => prepared.claims?.includes(claim));
      if (shared === undefined) continue;
      throw new SandglassError("INVALID_REQUEST", `${shared} is the exporter ${id}'s already`, {
        hint: "two exporters cannot share one file: give each its own, or one a wider filter",
      });
    }
  }

  async #verify(
    options: ExporterOptions,
    prepared: PreparedExporter,
    terms: ChangeTerms = {},
  ): Promise<void> {
    await verifyRequired(options, prepared, this.#changes.ending);
    terms.confirm?.();
  }

  /** Where what has this id sends to, or did when it was here last. */
  #destinationOf(id: string): string | undefined {
    const running = this.#entries.get(id);
    if (running) return running.prepared.destination;
    const { log } = this.#options.recorder;
    if (!log.hasCursor(readerName(id))) return undefined;
    return (log.readerAt(readerName(id)).data as { destination?: string } | undefined)?.destination;
  }
}
