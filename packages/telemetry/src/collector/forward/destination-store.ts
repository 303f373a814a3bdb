import { createHmac } from "node:crypto";
import { SandglassError } from "@sandglass/protocol";
import type { Environment, PrepareContext } from "../../exporters/definition.ts";
import { DestinationFiles, type DestinationRecord } from "./destination-files.ts";
import { type DestinationSettings, resolveDestination } from "./destination-settings.ts";

/** Of one organisation at once: endpoints that nobody answers at stay until they are given up. */
const MAX_PER_ORG = 1000;

export interface StoreContext extends Pick<PrepareContext, "cwd" | "ownOrigins"> {
  /** Told of a file that is damaged and of one that could not be written or removed; must not throw. Never told a secret. */
  onProblem?(message: string, error?: unknown): void;
  /** How many destinations one organisation may have at once. Default 1000. */
  maxPerOrg?: number | undefined;
}

export interface AcquireOptions {
  sandboxId: string;
  orgId: string;
  /** Variables of OpenTelemetry; others are not looked at. */
  env: Environment;
  /** Whether the key behind it has the scope `admin`. */
  isTrusted: boolean;
}

export interface Destination {
  readonly id: string;
  readonly orgId: string;
  readonly settings: DestinationSettings;
  /** How many sandboxes send there now. */
  readonly sandboxes: number;
  /** Since when none does, Unix time in milliseconds; undefined while one does. */
  readonly endedAt: number | undefined;
}

interface Entry {
  readonly record: DestinationRecord;
  readonly sandboxes: Set<string>;
  /** Last position up to which everything is delivered or given up. */
  settledTo: number;
  /** The file as it was last to be, or the one being written. */
  written: Promise<void>;
  /** From before a start, and nobody has said yet where the log ended: see {@link DestinationStore.endAll}. */
  isOfBefore: boolean;
}

/**
 * Where the owners of sandboxes want their telemetry: one private file for each destination, from the first sandbox that uses it until
 * the last record of the last one is delivered. Sandboxes of one organisation with the same settings share one.
 *
 * Which sandboxes use it is known to the process alone, so that a sandbox more costs no write: what a crash left is ended by
 * {@link DestinationStore.endAll}. An id is the same whenever the same is asked for, and says nothing of what is behind it.
 */
export class DestinationStore {
  readonly #files: DestinationFiles;
  readonly #context: StoreContext;
  readonly #key: Buffer;
  readonly #entries = new Map<string, Entry>();
  readonly #bySandbox = new Map<string, Entry>();
  /** Files that are on their way out: the same name may be wanted again. */
  readonly #removing = new Map<string, Promise<void>>();

  /** @param dir made where it is not there. Throws what the file system throws. */
  static async open(dir: string, context: StoreContext): Promise<DestinationStore> {
    const files = new DestinationFiles(dir);
    const store = new DestinationStore(files, context, await files.key());
    const records = await files.readAll((file, problem) => context.onProblem?.(`${file} ${problem}`));
    for (const record of records) store.#add(record, Promise.resolve()).isOfBefore = true;
    return store;
  }

  private constructor(files: DestinationFiles, context: StoreContext, key: Buffer) {
    this.#files = files;
    this.#context = context;
    this.#key = key;
  }

  /**
   * The destination for a sandbox, which uses it from now on. Resolves when its file is on disk.
   *
   * @throws SandglassError INVALID_REQUEST naming the variable that is wrong (see `resolveDestination`), EXPORTER_LIMIT_REACHED; and what
   *   the file system throws
   */
  async acquire({ sandboxId, orgId, env, isTrusted }: AcquireOptions): Promise<{ id: string }> {
    const { cwd, ownOrigins } = this.#context;
    const settings = resolveDestination(env, { env: {}, isTrusted, cwd, ownOrigins });
    const id = this.#idOf(orgId, settings);
    let entry = this.#entries.get(id);
    if (entry === undefined) {
      this.#checkLimit(orgId);
      const record = { id, orgId, settings };
      const isGone = this.#removing.get(id) ?? Promise.resolve();
      entry = this.#add(
        record,
        isGone.then(() => this.#files.write(record)),
      );
    }
    const before = this.#bySandbox.get(sandboxId);
    if (before !== undefined && before !== entry) throw new Error(`${sandboxId} has a destination already`);
    entry.sandboxes.add(sandboxId);
    entry.isOfBefore = false;
    entry.record.ended = undefined;
    this.#bySandbox.set(sandboxId, entry);
    try {
      await entry.written;
    } catch (error) {
      this.#bySandbox.delete(sandboxId);
      entry.sandboxes.delete(sandboxId);
      if (entry.sandboxes.size === 0 && this.#entries.get(id) === entry) this.#entries.delete(id);
      throw error;
    }
    return { id };
  }

  /**
   * The sandbox has ended, and nothing of it comes behind `position` of the log. One that has no destination is ignored.
   * Resolves when that is on disk.
   */
  async end(sandboxId: string, position: number): Promise<void> {
    const entry = this.#bySandbox.get(sandboxId);
    if (entry === undefined) return;
    this.#bySandbox.delete(sandboxId);
    entry.sandboxes.delete(sandboxId);
    await this.#ended(entry, position);
  }

  /**
   * Whoever used a destination before the start, and has not acquired it anew, does not any more. To be called once, with the log's last
   * position: what there was before the start is kept until then.
   */
  async endAll(position: number): Promise<void> {
    for (const entry of [...this.#entries.values()].filter(({ isOfBefore }) => isOfBefore)) {
      entry.isOfBefore = false;
      await this.#ended(entry, position);
    }
  }

  /**
   * Everything for this destination up to `position` is dealt with. Where nobody uses it and no more is to come, it is forgotten and its
   * file removed; true then.
   */
  settled(id: string, position: number): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    entry.settledTo = Math.max(entry.settledTo, position);
    return this.#removeIfOver(entry);
  }

  /** Forgets a destination that nobody uses, whatever it is owed. False where a sandbox uses it, or may again. */
  giveUp(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.isOfBefore || entry.sandboxes.size > 0) return false;
    this.#remove(entry);
    return true;
  }

  find(id: string): Destination | undefined {
    const entry = this.#entries.get(id);
    return entry && destinationOf(entry);
  }

  all(): Destination[] {
    return [...this.#entries.values()].map(destinationOf);
  }

  /** Resolves when every file is as it is to be. */
  async flush(): Promise<void> {
    const written = [...this.#entries.values()].map((entry) => entry.written);
    await Promise.allSettled([...this.#removing.values(), ...written]);
  }

  #idOf(orgId: string, settings: DestinationSettings): string {
    const mac = createHmac("sha256", this.#key).update(JSON.stringify([orgId, settings]));
    return `dst_${mac.digest("hex").slice(0, 32)}`;
  }

  #add(record: DestinationRecord, written: Promise<void>): Entry {
    const entry = { record, sandboxes: new Set<string>(), settledTo: 0, written, isOfBefore: false };
    this.#entries.set(record.id, entry);
    return entry;
  }

  #checkLimit(orgId: string): void {
    const { maxPerOrg = MAX_PER_ORG } = this.#context;
    let count = 0;
    for (const { record } of this.#entries.values()) if (record.orgId === orgId) count += 1;
    if (count < maxPerOrg) return;
    const message = `telemetry goes to ${maxPerOrg} endpoints already, some of which do not answer`;
    const hint = "see which with `sandglass status`, and use one endpoint for many sandboxes";
    throw new SandglassError("EXPORTER_LIMIT_REACHED", message, { hint });
  }

  async #ended(entry: Entry, position: number): Promise<void> {
    if (entry.sandboxes.size > 0) return;
    const { ended } = entry.record;
    entry.record.ended = { at: ended?.at ?? Date.now(), position: Math.max(ended?.position ?? 0, position) };
    if (this.#removeIfOver(entry)) {
      await this.#removing.get(entry.record.id);
      return;
    }
    // Behind the write before it: the newest has to be the one that stays.
    entry.written = entry.written.then(() => this.#files.write(entry.record));
    try {
      await entry.written;
    } catch (error) {
      entry.written = Promise.resolve();
      this.#context.onProblem?.(`the file of destination ${entry.record.id} was not written`, error);
    }
  }

  #removeIfOver(entry: Entry): boolean {
    const { ended } = entry.record;
    if (entry.isOfBefore || entry.sandboxes.size > 0) return false;
    if (ended === undefined || entry.settledTo < ended.position) return false;
    this.#remove(entry);
    return true;
  }

  #remove(entry: Entry): void {
    const { id } = entry.record;
    this.#entries.delete(id);
    const removed = entry.written
      .catch(() => undefined)
      .then(() => this.#files.remove(id))
      .catch((error: unknown) =>
        this.#context.onProblem?.(`the file of destination ${id} was not removed`, error),
      )
      .finally(() => {
        if (this.#removing.get(id) === removed) this.#removing.delete(id);
      });
    this.#removing.set(id, removed);
  }
}

function destinationOf({ record, sandboxes }: Entry): Destination {
  const { id, orgId, settings, ended } = record;
  return { id, orgId, settings, sandboxes: sandboxes.size, endedAt: ended?.at };
}
