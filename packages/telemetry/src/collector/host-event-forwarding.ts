import { setTimeout as delay } from "node:timers/promises";
import type { DurableLog } from "../log/durable-log.ts";
import type { LogItem } from "../log/log-reader.ts";
import type { NamedReader } from "../log/named-reader.ts";
import { parseEvent } from "../record/parse-event.ts";
import { subjectOf } from "./forward/event-subject.ts";
import {
  type ForwardedOwner,
  ForwardedSandbox,
  type HostRecord,
  type KeptForwarding,
} from "./forwarded-sandbox.ts";
import { namesSandbox } from "./names-sandbox.ts";
import { RunWaits } from "./run-waits.ts";
import { SpansAbove } from "./spans-above.ts";

const READER = "telemetry.forward";
/** What is recorded within it is read at once; owners hear of it that much later. */
const LINGER_MS = 100;
const RETRY_MS = 1_000;
/** How long a stop waits for the collector's process. */
const STOP_MS = 2_000;
/** How long after a sandbox's end the requests that were about it are still told of. */
const AFTER_END_MS = 2_000;
/** How long what is known of a sandbox waits for its claim. */
const CLAIM_MS = 10_000;
/** How much may be read without a forwarded sandbox until the cursor is written. */
const COMMIT_EVERY = 1_000;

/** Sandboxes, as they are kept with the cursor. */
type Kept = Record<string, KeptForwarding>;

export interface HostEventForwardingParts {
  /** Of events. */
  log: DurableLog;
  append(records: HostRecord[]): Promise<void>;
  end(sandboxIds: string[]): Promise<void>;
  /** Nothing more comes of what a daemon before this one forwarded. */
  endBefore(): Promise<void>;
  onProblem(message: string, error?: unknown): void;
  /** How long what is known of a sandbox waits for its claim. Default 10 s. */
  claimMs?: number | undefined;
  /** How long after a sandbox's end requests about it are still told of. Default 2 s. */
  afterEndMs?: number | undefined;
  /** How long after that the end of its run is waited for. Default 1 h. */
  runMs?: number | undefined;
}

/**
 * Reads the record for what the host has to say of sandboxes whose telemetry goes to their owner, and sends it along: so that a span
 * from inside has its parent there. Only events of such sandboxes are parsed, and without one nothing is.
 */
export class HostEventForwarding {
  readonly #parts: HostEventForwardingParts;
  readonly #reader: NamedReader;
  readonly #forwarded = new Map<string, ForwardedSandbox>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Sandboxes that are being ended, and what a daemon before left. */
  readonly #ends = new Set<Promise<void>>();
  readonly #waits: RunWaits;
  readonly #above = new SpansAbove((sandbox) => this.#endRun(sandbox));
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #readTo: number;
  #uncommitted = 0;

  constructor(parts: HostEventForwardingParts) {
    this.#parts = parts;
    this.#waits = new RunWaits(parts.runMs);
    this.#reader = parts.log.readerAt(READER, { from: "end" });
    this.#readTo = this.#reader.committed;
    const { append } = parts;
    for (const [sandboxId, before] of Object.entries((this.#reader.data ?? {}) as Kept)) {
      this.#forwarded.set(sandboxId, new ForwardedSandbox(sandboxId, before, { append, before }));
    }
    this.#running = this.#run();
  }

  /** Before a sandbox's first event. @param destinationId undefined where it is not forwarded after all */
  add(sandboxId: string, owner: ForwardedOwner, destinationId: Promise<string | undefined>): void {
    const { append, claimMs = CLAIM_MS, onProblem } = this.#parts;
    const sandbox = new ForwardedSandbox(sandboxId, owner, { append });
    this.#forwarded.set(sandboxId, sandbox);
    const late = this.#later(claimMs, () => {
      if (sandbox.mute()) onProblem(...lateClaim(sandboxId));
    });
    destinationId
      .catch(() => undefined) // whoever asked for it hears
      .then(async (id) => {
        this.#clear(late);
        if (this.#forwarded.get(sandboxId) !== sandbox) return;
        sandbox.destinationId = id;
        if (id === undefined) this.#forget(sandbox);
        else await this.#claimed(sandbox);
      })
      .catch((error: unknown) => onProblem("a cursor was not written", error));
  }

  /** Its end is not told before this is settled. */
  detaching(sandboxId: string, detached: Promise<unknown>): void {
    const sandbox = this.#forwarded.get(sandboxId);
    if (sandbox !== undefined) sandbox.detached = Promise.allSettled([detached]);
  }

  /**
   * For a process that takes the place of one, which knows of sandboxes only what it is told anew. Resolves with true when nothing more
   * comes of the sandboxes that are here now and not served: their destinations may be ended. With false where a stop comes first.
   */
  async settled(isServed: (sandboxId: string) => boolean): Promise<boolean> {
    const open = [...this.#forwarded.values()].filter(({ sandboxId }) => !isServed(sandboxId));
    for (const sandbox of open) this.#endRun(sandbox);
    const isOpen = (): boolean => open.some((sandbox) => this.#forwarded.get(sandbox.sandboxId) === sandbox);
    while (isOpen() && !this.#stopping.signal.aborted) await delay(LINGER_MS);
    await Promise.allSettled([...this.#ends]);
    return !isOpen();
  }

  /**
   * Everything in the record of what a daemon before this one left is written: resolves when it is sent along, and those sandboxes
   * are forgotten.
   */
  endBefore(position: number): Promise<void> {
    return this.#track(this.#endBefore(position));
  }

  async #endBefore(position: number): Promise<void> {
    const before = [...this.#forwarded.values()].filter(({ isOfBefore }) => isOfBefore);
    const isRead = (): boolean => before.length === 0 || this.#readTo >= position;
    while (!isRead() && !this.#stopping.signal.aborted) await delay(LINGER_MS);
    // The next daemon reads on from here.
    if (!isRead()) return;
    for (const sandbox of before) this.#forget(sandbox);
    await this.#parts.endBefore();
  }

  /** Sends along what is in the record by now, and ends those that are over: their secrets are not to wait for the next start. */
  async stop(): Promise<void> {
    const last = this.#parts.log.lastPosition;
    const endsAt = performance.now() + RETRY_MS;
    while (this.#readTo < last && this.#forwarded.size > 0 && performance.now() < endsAt) {
      await delay(LINGER_MS);
    }
    this.#stopping.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    const gaveUp = new AbortController();
    await Promise.race([
      this.#endAll(),
      delay(STOP_MS, undefined, { signal: gaveUp.signal }).catch(() => undefined), // all ended first
    ]);
    gaveUp.abort();
    await this.#commit(this.#readTo).catch((error: unknown) =>
      this.#parts.onProblem("a cursor was not written", error),
    );
  }

  async #endAll(): Promise<void> {
    await this.#running;
    for (const sandbox of this.#forwarded.values()) {
      sandbox.isRunOver = true;
      if (sandbox.isOver && sandbox.destinationId !== undefined) void this.#track(this.#end(sandbox));
    }
    await Promise.allSettled([...this.#ends]);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        for await (const items of this.#reader.batches({ signal, lingerMs: LINGER_MS }))
          await this.#take(items);
        return;
      } catch (error) {
        if (signal.aborted) return;
        await this.#failed(error);
      }
    }
  }

  async #take(items: readonly LogItem[]): Promise<void> {
    const last = items.at(-1)!;
    const position = "gap" in last ? last.gap.to : last.position;
    this.#uncommitted += items.length;
    if (this.#forwarded.size === 0) {
      for (const item of items) if ("payload" in item) this.#above.remember(item.payload);
      this.#readTo = position;
      // It is not behind. On disk that need not be at once.
      this.#reader.observe(position, this.#reader.gapRecords);
      if (this.#uncommitted >= COMMIT_EVERY) await this.#commit(position);
      return;
    }
    for (const item of items) if ("payload" in item) this.#takeOne(item.position, item.payload);
    const open = [...this.#forwarded.values()].filter((sandbox) => sandbox.hasNews);
    await Promise.all(open.map((sandbox) => sandbox.send()));
    for (const sandbox of open) this.#endIfOver(sandbox);
    this.#readTo = position;
    await this.#commit(position);
  }

  #takeOne(position: number, payload: Buffer): void {
    if (!namesSandbox(payload, this.#forwarded)) return this.#above.take(position, payload, this.#forwarded);
    const event = parseEvent(payload.toString("utf8"));
    const sandbox = event && this.#forwarded.get(subjectOf(event));
    // Somebody else's try, which was refused, is nothing to its owner.
    if (event === undefined || sandbox?.owner.orgId !== event.orgId) return;
    if (!sandbox.take(position, event)) this.#parts.onProblem(...lateClaim(sandbox.sandboxId));
  }

  /** It is not kept for its run any more: once all is sent it ends, as if it were over only now. */
  #endRun(sandbox: ForwardedSandbox): void {
    sandbox.isRunOver = true;
    if (!this.#waits.end(sandbox)) return;
    sandbox.isEnding = false;
    this.#endIfOver(sandbox);
  }

  async #claimed(sandbox: ForwardedSandbox): Promise<void> {
    // A crash that comes before its first event is read must not lose that it is forwarded.
    await this.#commit(this.#readTo);
    while (!this.#stopping.signal.aborted) {
      try {
        await sandbox.send();
        return this.#endIfOver(sandbox);
      } catch (error) {
        await this.#failed(error);
      }
    }
  }

  async #failed(error: unknown): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    this.#parts.onProblem("what the host knows of sandboxes was not sent along with their telemetry", error);
    await delay(RETRY_MS, undefined, { signal }).catch(() => undefined); // the end came first
  }

  /** Its last request is answered, and recorded, behind its end. */
  #endIfOver(sandbox: ForwardedSandbox): void {
    if (!sandbox.isOver || sandbox.isEnding || sandbox.destinationId === undefined) return;
    sandbox.isEnding = true;
    this.#later(this.#parts.afterEndMs ?? AFTER_END_MS, () => void this.#track(this.#end(sandbox)));
  }

  async #end(sandbox: ForwardedSandbox): Promise<void> {
    const { sandboxId } = sandbox;
    try {
      await sandbox.detached;
      if (this.#forwarded.get(sandboxId) !== sandbox) return;
      // Once that is in the log, this comes again.
      sandbox.isEnding = sandbox.firstUnsent === undefined;
      if (!sandbox.isEnding) return;
      const isKept = this.#above.isRunOpen(sandbox);
      if (isKept && this.#waits.begin(sandbox, this.#forwarded.values(), () => this.#endRun(sandbox))) return;
      this.#forget(sandbox);
      await this.#parts.end([sandboxId]);
    } catch (error) {
      this.#parts.onProblem(`the destination of ${sandboxId} is kept for longer than it has to be`, error);
    }
  }

  #track(end: Promise<void>): Promise<void> {
    const tracked = end.finally(() => this.#ends.delete(tracked));
    this.#ends.add(tracked);
    return tracked;
  }

  #later(ms: number, act: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms).unref();
    this.#timers.add(timer);
    return timer;
  }

  #clear(timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.#timers.delete(timer);
  }

  #forget(sandbox: ForwardedSandbox): void {
    this.#waits.end(sandbox);
    if (this.#forwarded.get(sandbox.sandboxId) === sandbox) this.#forwarded.delete(sandbox.sandboxId);
  }

  /** No further than what is in the log of telemetry, or let go. */
  async #commit(readTo: number): Promise<void> {
    const kept: Kept = {};
    let position = readTo;
    for (const sandbox of this.#forwarded.values()) {
      if (sandbox.kept !== undefined) kept[sandbox.sandboxId] = sandbox.kept;
      position = Math.min(position, (sandbox.firstUnsent ?? Number.POSITIVE_INFINITY) - 1);
    }
    await this.#reader.commit(position, kept);
    this.#uncommitted = 0;
  }
}

function lateClaim(sandboxId: string): [message: string] {
  return [`what the host knows of ${sandboxId} is not sent along until its owner is known`];
}
