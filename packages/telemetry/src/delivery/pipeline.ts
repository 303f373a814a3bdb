import type { NamedReader } from "../log/named-reader.ts";
import type { EventSelector } from "./event-selector.ts";
import type { DeliveryTraits } from "./exporter.ts";
import { Lanes } from "./lanes.ts";
import type { Ledger } from "./ledger.ts";
import { DestinationDisabled, type Sender, SendStopped } from "./sender.ts";
import type { Outcome, Window } from "./window.ts";
import { WindowReader } from "./window-reader.ts";

/** How long a trickle is gathered before it is read; also bounds how often an exporter wakes the process. */
const MAX_LINGER_MS = 25;
/** How often the cursor goes to disk; what was delivered since is delivered again after a crash. */
const COMMIT_EVERY_MS = 100;

export interface PipelineParts {
  reader: NamedReader;
  traits: DeliveryTraits;
  selector: EventSelector;
  ledger: Ledger;
  sender: Sender;
  /** What to keep with the cursor. */
  state(): unknown;
  /** Told of what nobody else hears: a cursor that could not be written. */
  onProblem(message: string, error: unknown): void;
}

/**
 * One run of an exporter: log → filter → windows → lanes → destination → cursor. Ends when it is stopped, or with
 * DestinationDisabled, or with what reading the log fails with; what is not settled by then is read again by the next run.
 */
export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #windows: WindowReader;
  readonly #reading = new AbortController();
  readonly #sending = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  readonly #settledWaiters = new Set<() => void>();
  #failure: unknown;
  #commitTimer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    const { traits, selector, ledger, sender } = parts;
    const lanes = new Lanes(traits, (batch) => sender.send(batch, this.#sending.signal));
    this.#windows = new WindowReader(traits, selector, ledger, (window) => this.#dispatch(window, lanes));
  }

  /** Reads and sends until {@link Pipeline.stop}; everything it began is over when it settles, and the cursor is on disk. */
  async run(): Promise<void> {
    const { reader, ledger, traits } = this.#parts;
    const { signal } = this.#reading;
    const lingerMs = Math.min(MAX_LINGER_MS, traits.flushIntervalMs);
    try {
      for await (const items of reader.batches({ signal, lingerMs })) await this.#windows.take(items, signal);
    } catch (error) {
      this.#fail(error);
    }
    this.#windows.close();
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    clearTimeout(this.#commitTimer);
    ledger.rewind();
    await this.#commit();
    this.#isOver = true;
    this.#wakeWaiters();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when everything up to `position` is dealt with, or the pipeline is over, or the signal fires. */
  async flush(position: number, signal: AbortSignal): Promise<void> {
    this.#windows.flushTo(position);
    while (this.#parts.ledger.settledTo < position && !signal.aborted && !this.#isOver) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#settledWaiters.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        this.#settledWaiters.add(wake);
        signal.addEventListener("abort", wake, { once: true });
      });
    }
  }

  /** Reads no more, lets what is being sent end for `graceMs`, then gives it up: it is sent again by the next run. */
  stop(graceMs: number): void {
    this.#reading.abort();
    if (graceMs <= 0) this.#giveUp();
    else setTimeout(() => this.#giveUp(), graceMs).unref();
  }

  #giveUp(): void {
    this.#sending.abort();
  }

  #dispatch(window: Window, lanes: Lanes): void {
    if (window.events.length === 0) {
      window.settle({ delivered: 0, rejected: 0 });
      if (this.#advance()) this.#commitSoon();
      return;
    }
    const held = { events: window.events.length, bytes: window.sizeBytes };
    const sent = lanes
      .send(window, (outcome) => this.#settle(window, outcome))
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#underWay.delete(sent);
        this.#windows.release(held.events, held.bytes);
      });
    this.#underWay.add(sent);
  }

  async #settle(window: Window, outcome: Outcome): Promise<void> {
    window.settle(outcome);
    if (!this.#advance()) return;
    if (this.#parts.traits.commitsEachBatch !== true) return this.#commitSoon();
    // The next batch must not be begun before: what is behind the checkpoint is cut off after a crash.
    while (!(await this.#commit()) && !this.#sending.signal.aborted) {
      await new Promise((resolve) => {
        setTimeout(resolve, COMMIT_EVERY_MS);
      });
    }
  }

  #advance(): boolean {
    if (!this.#parts.ledger.advance()) return false;
    this.#wakeWaiters();
    return true;
  }

  #commitSoon(): void {
    if (this.#isOver) return;
    this.#commitTimer ??= setTimeout(() => {
      this.#commitTimer = undefined;
      void this.#commit();
    }, COMMIT_EVERY_MS);
  }

  /** False where the cursor could not be written: it is tried again with the next. */
  async #commit(): Promise<boolean> {
    const { reader, ledger } = this.#parts;
    try {
      await reader.commit(ledger.settledTo, this.#parts.state());
      return true;
    } catch (error) {
      this.#parts.onProblem(`the cursor of ${reader.name} was not written`, error);
      return false;
    }
  }

  #fail(error: unknown): void {
    if (!(error instanceof SendStopped)) {
      this.#failure ??= error;
      // The reason why the others cannot go on either.
      if (error instanceof DestinationDisabled) this.#giveUp();
    }
    this.#reading.abort();
    this.#giveUp();
  }

  #wakeWaiters(): void {
    for (const wake of this.#settledWaiters) wake();
  }
}
