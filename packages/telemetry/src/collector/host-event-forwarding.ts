import { setTimeout as delay } from "node:timers/promises";
import type { RuntimeEvent } from "@sandglass/protocol";
import type { DurableLog } from "../log/durable-log.ts";
import type { LogItem } from "../log/log-reader.ts";
import type { NamedReader } from "../log/named-reader.ts";
import { parseEvent } from "../record/parse-event.ts";
import { SandboxEventProjector } from "./forward/event-forwarding.ts";
import type { TelemetryHead } from "./telemetry-record.ts";

const READER = "telemetry.forward";
const LINGER_MS = 25;
const RETRY_MS = 1_000;
/** How long after a sandbox's end the requests that were about it are still told of. */
const AFTER_END_MS = 2_000;
/** How much may be read without a forwarded sandbox until the cursor is written. */
const COMMIT_EVERY = 1_000;
const SANDBOX_ID = Buffer.from('"sandboxId":"');
const ID_LENGTH = 30;

/** Sandboxes by where they are forwarded to, as it is kept with the cursor. */
type Kept = Record<string, string>;

export interface HostEventForwardingParts {
  /** Of events. */
  log: DurableLog;
  append(records: { head: TelemetryHead; body: Uint8Array }[]): Promise<void>;
  end(sandboxIds: string[]): Promise<void>;
  /** Nothing more comes of what a daemon before this one forwarded. */
  endBefore(): Promise<void>;
  onProblem(message: string, error: unknown): void;
}

/**
 * Reads the record for what the host has to say of sandboxes whose telemetry goes to their owner, and sends it along: so that a span
 * from inside has its parent there. Only events of such sandboxes are parsed, and without one nothing is.
 */
export class HostEventForwarding {
  readonly #parts: HostEventForwardingParts;
  readonly #reader: NamedReader;
  /** Where a sandbox's telemetry goes; a promise while that is being found out. */
  readonly #forwarded = new Map<string, string | Promise<string | undefined>>();
  readonly #projectors = new Map<string, SandboxEventProjector>();
  readonly #ending = new Set<NodeJS.Timeout>();
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #uncommitted = 0;

  constructor(parts: HostEventForwardingParts) {
    this.#parts = parts;
    this.#reader = parts.log.readerAt(READER, { from: "end" });
    for (const [sandboxId, destinationId] of Object.entries((this.#reader.data ?? {}) as Kept)) {
      this.#forwarded.set(sandboxId, destinationId);
    }
    this.#running = this.#run();
  }

  /** Before a sandbox's first event. @param destinationId undefined where it is not forwarded after all */
  add(sandboxId: string, template: string, destinationId: Promise<string | undefined>): void {
    this.#projectors.set(sandboxId, new SandboxEventProjector({ template }));
    const found = destinationId.catch(() => undefined); // whoever asked for it hears
    this.#forwarded.set(sandboxId, found);
    void found
      .then((id) => {
        if (id === undefined) this.#forget(sandboxId);
        else if (this.#forwarded.has(sandboxId)) {
          this.#forwarded.set(sandboxId, id);
          // A crash that comes before its first event is read must not lose that it is forwarded.
          return this.#commit(this.#reader.committed);
        }
      })
      .catch((error: unknown) => this.#parts.onProblem("a cursor was not written", error));
  }

  /**
   * Everything in the record of what a daemon before this one left is written: resolves when it is sent along, and those sandboxes
   * are forgotten.
   */
  async endBefore(position: number): Promise<void> {
    const before = Object.keys((this.#reader.data ?? {}) as Kept);
    while (before.length > 0 && this.#reader.committed < position && !this.#stopping.signal.aborted)
      await delay(LINGER_MS);
    for (const sandboxId of before) this.#forget(sandboxId);
    await this.#parts.endBefore();
  }

  /** Sends along what is in the record by now. */
  async stop(): Promise<void> {
    const last = this.#parts.log.lastPosition;
    const endsAt = performance.now() + RETRY_MS;
    while (this.#reader.committed < last && this.#forwarded.size > 0 && performance.now() < endsAt) {
      await delay(LINGER_MS);
    }
    this.#stopping.abort();
    for (const timer of this.#ending) clearTimeout(timer);
    await this.#running;
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
        this.#parts.onProblem(
          "what the host knows of sandboxes was not sent along with their telemetry",
          error,
        );
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined); // the end came first
      }
    }
  }

  async #take(items: readonly LogItem[]): Promise<void> {
    const last = items.at(-1)!;
    const position = "gap" in last ? last.gap.to : last.position;
    this.#uncommitted += items.length;
    if (this.#forwarded.size === 0) {
      if (this.#uncommitted >= COMMIT_EVERY) await this.#commit(position);
      return;
    }
    const bySandbox = new Map<string, RuntimeEvent[]>();
    for (const item of items) {
      const sandboxId = "payload" in item ? this.#sandboxOf(item.payload) : undefined;
      const event = sandboxId && "payload" in item ? parseEvent(item.payload.toString("utf8")) : undefined;
      if (sandboxId === undefined || event === undefined) continue;
      const events = bySandbox.get(sandboxId);
      if (events) events.push(event);
      else bySandbox.set(sandboxId, [event]);
    }
    for (const [sandboxId, events] of bySandbox) await this.#forward(sandboxId, events);
    await this.#commit(position);
  }

  /** The forwarded sandbox that an event is about. Requests name theirs in their data. */
  #sandboxOf(payload: Buffer): string | undefined {
    for (let at = payload.indexOf(SANDBOX_ID); at !== -1; at = payload.indexOf(SANDBOX_ID, at + 1)) {
      const start = at + SANDBOX_ID.length;
      const sandboxId = payload.toString("latin1", start, start + ID_LENGTH);
      if (this.#forwarded.has(sandboxId)) return sandboxId;
    }
    return undefined;
  }

  async #forward(sandboxId: string, events: readonly RuntimeEvent[]): Promise<void> {
    const destinationId = await this.#forwarded.get(sandboxId);
    if (destinationId === undefined) return;
    let projector = this.#projectors.get(sandboxId);
    if (projector === undefined) {
      projector = new SandboxEventProjector();
      this.#projectors.set(sandboxId, projector);
    }
    const { orgId } = events[0]!;
    const head = {
      origin: "host",
      receivedAt: Date.now(),
      orgId,
      sandboxId,
      runId: events[0]!.runId,
      destinationId,
      isForwardOnly: true,
    } as const;
    const requests = projector.project(events);
    await this.#parts.append(
      requests.map(({ signal, body, items }) => ({ head: { ...head, signal, items }, body })),
    );
    if (events.some(({ type }) => type === "sandbox.terminated")) this.#endSoon(sandboxId);
  }

  /** Its last request is answered, and recorded, behind its end. */
  #endSoon(sandboxId: string): void {
    const timer = setTimeout(() => {
      this.#ending.delete(timer);
      this.#forget(sandboxId);
      this.#parts.end([sandboxId]).catch((error: unknown) => {
        this.#parts.onProblem(`the destination of ${sandboxId} is kept for longer than it has to be`, error);
      });
    }, AFTER_END_MS).unref();
    this.#ending.add(timer);
  }

  #forget(sandboxId: string): void {
    this.#forwarded.delete(sandboxId);
    this.#projectors.delete(sandboxId);
  }

  async #commit(position: number): Promise<void> {
    const kept: Kept = {};
    for (const [sandboxId, id] of this.#forwarded) if (typeof id === "string") kept[sandboxId] = id;
    await this.#reader.commit(position, kept);
    this.#uncommitted = 0;
  }
}
