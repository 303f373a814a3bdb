import type { LogItem } from "../log/log-reader.ts";
import type { EventSelector } from "./event-selector.ts";
import { EventSlab } from "./event-slab.ts";
import type { DeliveryTraits } from "./exporter.ts";
import type { Ledger } from "./ledger.ts";
import { LogEvent } from "./log-event.ts";
import { Window } from "./window.ts";

/** Most bytes of events held in memory for one exporter, whatever its batch size. */
const MAX_HELD_BYTES = 16 * 1024 * 1024;

/**
 * Makes windows of what is read: each is given on when it is full, when its oldest event has waited long enough, or when someone
 * flushes. Holds no more than `maxQueueSize` events: the log has the rest.
 */
export class WindowReader {
  readonly #traits: DeliveryTraits;
  readonly #selector: EventSelector;
  readonly #ledger: Ledger;
  readonly #dispatch: (window: Window) => void;
  readonly #capacity: number;
  readonly #slab: EventSlab | undefined;
  #current: Window | undefined;
  #timer: NodeJS.Timeout | undefined;
  #heldEvents = 0;
  #heldBytes = 0;
  #wakeRoom: (() => void) | undefined;
  #flushTo = 0;

  constructor(
    traits: DeliveryTraits,
    selector: EventSelector,
    ledger: Ledger,
    dispatch: (window: Window) => void,
  ) {
    this.#traits = traits;
    this.#selector = selector;
    this.#ledger = ledger;
    this.#dispatch = dispatch;
    this.#slab = selector.isSelective ? new EventSlab() : undefined;
    const { order, batchSize, concurrency, maxQueueSize } = traits;
    // Where sandboxes share the lanes, a window is large enough to give each of them a batch.
    this.#capacity = order === "sandbox" ? Math.min(maxQueueSize, batchSize * concurrency) : batchSize;
  }

  /** Takes a chunk of the log; resolves when there is room for the next. */
  async take(items: readonly LogItem[], signal: AbortSignal): Promise<void> {
    for (const item of items) {
      if (this.#isFull()) await this.#room(signal);
      if (signal.aborted) return;
      this.#add(item);
    }
    this.#closeIfFlushed();
  }

  /** Everything up to `position` is given on without waiting for more. */
  flushTo(position: number): void {
    this.#flushTo = Math.max(this.#flushTo, position);
    this.#closeIfFlushed();
  }

  /** The window's events are no longer held. */
  release(events: number, bytes: number): void {
    this.#heldEvents -= events;
    this.#heldBytes -= bytes;
    this.#wakeRoom?.();
  }

  /** Forgets the open window; nothing more is given on. */
  close(): void {
    clearTimeout(this.#timer);
    this.#current = undefined;
    this.#wakeRoom?.();
  }

  #add(item: LogItem): void {
    const window = this.#open("gap" in item ? item.gap.from : item.position);
    if ("gap" in item) {
      window.miss(item.gap.from, item.gap.to, item.gap.reason);
      return;
    }
    const event = new LogEvent(item.position, item.payload);
    const selection = this.#selector.select(event);
    if (selection === "filtered") window.skip(item.position);
    else if (selection === "corrupt") window.miss(item.position, item.position, "corrupt");
    else {
      if (this.#slab) event.moveTo(this.#slab.copy(item.payload));
      this.#hold(window, event);
    }
  }

  #hold(window: Window, event: LogEvent): void {
    const { batchBytes } = this.#traits;
    const limit = batchBytes * Math.ceil(this.#capacity / this.#traits.batchSize);
    if (window.events.length > 0 && window.sizeBytes + event.payload.length > limit) {
      this.#close();
      this.#hold(this.#open(event.position), event);
      return;
    }
    window.add(event);
    this.#heldEvents += 1;
    this.#heldBytes += event.payload.length;
    if (window.events.length >= this.#capacity) this.#close();
  }

  #open(from: number): Window {
    if (this.#current === undefined) {
      this.#current = new Window(from);
      this.#ledger.open(this.#current);
      this.#timer = setTimeout(() => this.#close(), this.#traits.flushIntervalMs);
    }
    return this.#current;
  }

  #close(): void {
    clearTimeout(this.#timer);
    const window = this.#current;
    this.#current = undefined;
    if (window === undefined) return;
    window.isDispatched = true;
    this.#dispatch(window);
  }

  #closeIfFlushed(): void {
    if (this.#current !== undefined && this.#current.from <= this.#flushTo) this.#close();
  }

  #isFull(): boolean {
    return this.#heldEvents >= this.#traits.maxQueueSize || this.#heldBytes >= MAX_HELD_BYTES;
  }

  /** What waits is given on: a window that is not full would keep itself from ever getting room. */
  #room(signal: AbortSignal): Promise<void> {
    this.#close();
    return new Promise((resolve) => {
      const wake = (): void => {
        if (this.#isFull() && !signal.aborted) return;
        this.#wakeRoom = undefined;
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#wakeRoom = wake;
      signal.addEventListener("abort", wake, { once: true });
      wake();
    });
  }
}
