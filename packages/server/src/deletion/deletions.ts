import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  type DeletionResult,
  type EventInput,
  newSpanId,
  newTraceId,
  SandglassError,
} from "@sandglass/protocol";
import type { RuntimeApi } from "@sandglass/runtime";
import type { Collector, Recorder } from "@sandglass/telemetry";
import type { Observability } from "../exporters/observability.ts";
import type { Runs } from "../runs.ts";
import type { Store } from "../store/store.ts";
import { type DeletionEntry, DeletionJournal } from "./deletion-journal.ts";
import { eraseDeadLetters } from "./erase-dead-letters.ts";
import { eraseUnread } from "./erase-unread.ts";

/** How long after one that failed it is tried again. */
const RETRY_MS = 30_000;

/** Who asks for a deletion. */
export interface DeletionCaller {
  orgId: string;
  /** "" for a program. */
  keyId: string;
}

export interface DeletionParts {
  dataDir: string;
  recorder: Recorder;
  runtime: RuntimeApi;
  runs: Runs;
  observability: Observability;
  /** Undefined where it is switched off; what it left of before is deleted too. */
  collector: Collector | undefined;
  store: Store | undefined;
  /** Told of what nobody waits for; must not throw. */
  onProblem(message: string, error?: unknown): void;
}

/**
 * Deletes what this host has of sandboxes and runs. What is to be deleted is written down first and crossed out last: whatever comes
 * between, it is not begun or will be finished, here or by the next start. Every step can be done again. In this order, because each place
 * is filled from those before it: telemetry, the log of events, what comes of events, the exporters' memory, dead letters, the store.
 */
export class Deletions {
  readonly #parts: DeletionParts;
  readonly #journal: DeletionJournal;
  #working: Promise<unknown> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(parts: DeletionParts) {
    this.#parts = parts;
    this.#journal = new DeletionJournal(parts.dataDir);
  }

  /**
   * What the last daemon did not finish goes from the log of events, before anything reads that. {@link Deletions.resume} does the rest.
   * Throws what the file system throws.
   */
  static async prepare(dataDir: string, recorder: Recorder): Promise<void> {
    for (const entry of new DeletionJournal(dataDir).pending()) await recorder.erase(entry);
  }

  /** Finishes what an earlier daemon began. Nobody waits for it; what fails is tried again. */
  resume(): void {
    this.#queue(() => this.#finishPending()).catch((error: unknown) => this.#failed(error));
  }

  /**
   * Everything of a sandbox. One that is not there, or was deleted before, is nothing to be done.
   *
   * @throws SandglassError RECORD_IN_USE while it is alive; LOG_UNAVAILABLE, STORE_UNAVAILABLE where it could not be finished: it will be
   */
  sandbox(sandboxId: string, caller: DeletionCaller): Promise<DeletionResult> {
    return this.#queue(async () => {
      const { runtime, recorder } = this.#parts;
      this.#refuseAlive([sandboxId], caller.orgId, "terminate it first: DELETE /v1/sandboxes/{id}");
      const isKnown = runtime.list(caller.orgId, { ended: true }).some(({ id }) => id === sandboxId);
      const isOwn = isKnown || (await recorder.getSandbox(sandboxId, caller.orgId)) !== undefined;
      return this.#delete({ sandboxIds: [sandboxId], runId: "", shared: [], isOwn }, caller);
    });
  }

  /**
   * A run's own events and every sandbox that is its alone. As {@link Deletions.sandbox}, and refused while the run is not complete.
   */
  run(runId: string, caller: DeletionCaller): Promise<DeletionResult> {
    return this.#queue(async () => {
      const { recorder, runtime, runs } = this.#parts;
      const { orgId } = caller;
      const { isRunning, sandboxIds, shared } = await recorder.runExtent(runId, orgId);
      if (isRunning) {
        throw new SandglassError("RECORD_IN_USE", `run ${runId} is not complete`, {
          hint: "complete it first: POST /v1/runs/{runId}/events with run.completed",
        });
      }
      const known = runtime.list(orgId, { ended: true }).filter((info) => info.runId === runId);
      const all = new Set([...sandboxIds, ...known.map(({ id }) => id)]);
      this.#refuseAlive([...all], orgId, "terminate the sandboxes of the run first");
      const own = [...all].filter((id) => !shared.includes(id));
      const result = await this.#delete({ sandboxIds: own, runId, shared, isOwn: own.length > 0 }, caller);
      runs.forget(runId, orgId);
      return result;
    });
  }

  /** Lets what is under way end, for so long; what does not is finished by the next start. */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    const late = new AbortController();
    await Promise.race([
      this.#working,
      delay(graceMs, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
  }

  #queue<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new SandglassError("SHUTTING_DOWN", "the daemon is stopping"));
    const done = this.#working.then(work);
    this.#working = done.catch(() => undefined); // the caller has the error
    return done;
  }

  #refuseAlive(sandboxIds: readonly string[], orgId: string, hint: string): void {
    const alive = this.#parts.runtime.list(orgId).find(({ id }) => sandboxIds.includes(id));
    if (alive === undefined) return;
    throw new SandglassError("RECORD_IN_USE", `sandbox ${alive.id} is alive`, { hint });
  }

  async #delete(
    what: Pick<DeletionEntry, "sandboxIds" | "runId" | "shared" | "isOwn">,
    { orgId, keyId }: DeletionCaller,
  ): Promise<DeletionResult> {
    const id = `del_${Date.now().toString(36).padStart(9, "0")}${newSpanId()}`;
    const entry = { id, orgId, keyId, ...what };
    await this.#journal.begin(entry);
    try {
      return await this.#finish(entry, false);
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  async #finishPending(): Promise<void> {
    for (const entry of this.#journal.pending()) await this.#finish(entry, true);
  }

  #failed(error: unknown): void {
    this.#parts.onProblem("a deletion was not finished; it is tried again", error);
    if (this.#isClosed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.resume(), RETRY_MS).unref();
  }

  async #finish(entry: DeletionEntry, isAgain: boolean): Promise<DeletionResult> {
    const { dataDir, recorder, runtime, observability, collector } = this.#parts;
    const erasure = { orgId: entry.orgId, sandboxIds: entry.sandboxIds, runId: entry.runId };
    const eraseTelemetry = () => collector?.erase(erasure) ?? eraseUnread(dataDir, erasure);
    const requests = await eraseTelemetry();
    const events = await recorder.erase(erasure);
    // What was told of events while those were still there.
    const late = await eraseTelemetry();
    await observability.reread();
    const letters = await eraseDeadLetters(join(dataDir, "dead-letters"), erasure);
    const rows = await this.#eraseStore(entry, isAgain);
    const found = new Set([...entry.sandboxIds, ...rows.sandboxIds]);
    let outputBytes = 0;
    // Kept output does not say whose it is, and anybody can name an id.
    const isOwn = entry.isOwn || events.records + requests.records + late.records + rows.rows > 0;
    if (isOwn) for (const id of found) outputBytes += await runtime.forget(id);
    const hasFound = isOwn || letters > 0;
    const result = {
      sandboxes: hasFound ? found.size : 0,
      events: events.records,
      bytes: events.bytes + requests.bytes + late.bytes + outputBytes,
    };
    if (hasFound && !(isAgain && (await this.#isTold(entry)))) await this.#tell(entry, [...found], result);
    await this.#journal.end(entry);
    return result;
  }

  async #eraseStore(entry: DeletionEntry, isAgain: boolean): Promise<{ rows: number; sandboxIds: string[] }> {
    const { store, recorder } = this.#parts;
    if (store === undefined) return { rows: 0, sandboxIds: [] };
    const { orgId, sandboxIds, runId, shared } = entry;
    const position = recorder.log.lastPosition;
    return store.erase({ orgId, sandboxIds, runId, shared, position, mustVacuum: isAgain });
  }

  /** The one thing that stays: that it was done, by whom, and how much it was. */
  async #tell(entry: DeletionEntry, sandboxIds: string[], result: DeletionResult): Promise<void> {
    const { id: deletionId, keyId, runId, orgId } = entry;
    const data = {
      deletionId,
      sandboxIds,
      ...(keyId !== "" && { keyId }),
      ...(runId !== "" && { runId }),
      ...result,
    };
    const place = { traceId: newTraceId(), spanId: newSpanId(), parentSpanId: "" };
    // A run that is named as an event's own would be one again.
    const event = { type: "record.deleted", level: "info", orgId, sandboxId: "", runId: "", ...place, data };
    await this.#parts.recorder.emit(event as EventInput);
  }

  async #isTold({ id, orgId }: DeletionEntry): Promise<boolean> {
    const told = this.#parts.recorder.read({ orgId, filter: { types: ["record.deleted"] } });
    for await (const { event } of told) {
      if (event?.type === "record.deleted" && event.data.deletionId === id) return true;
    }
    return false;
  }
}
