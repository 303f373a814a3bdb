import type { LogItem } from "../log/log-reader.ts";
import type { ReadChunk } from "../log/read-chunk.ts";
import type { EventSelector } from "./event-selector.ts";
import { EventSlab } from "./event-slab.ts";
import type { DeliveryTraits } from "./exporter.ts";
import type { Ledger } from "./ledger.ts";
import { LogEvent } from "./log-event.ts";
import { Window } from "./window.ts";

/** Most bytes of events held in memory for one exporter, whatever its batch size. */
const MAX_HELD_BYTES = 16 * 1024 * 1024;
/** Events of a chunk are few where they are not one part in so many of it. */
const FEW = 2;

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
  readonly #slab = new EventSlab();
  #current: Window | undefined;
  #timer: NodeJS.Timeout | undefined;
  #heldEvents = 0;
  #heldBytes = 0;
  #wakeRoom: (() => void) | undefined;
  #flushTo = 0;
  /** Last position that was taken. */
  #readTo = 0;

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
    this.#keepOnlyEvents(items);
    this.#closeIfFlushed();
    sourceOf(items)?.release();
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
      this.#readTo = item.gap.to;
      window.miss(item.gap.from, item.gap.to, item.gap.reason);
      return;
    }
    this.#readTo = item.position;
    const event = LogEvent.of(item);
    const selection = this.#selector.select(event);
    if (selection === "filtered") window.skip(item.position);
    else if (selection === "corrupt") window.miss(item.position, item.position, "corrupt");
    else this.#hold(window, event, item.source);
  }

  /** Where few of a chunk's events wait on, they are copied out of it: they would keep all of it in memory. */
  #keepOnlyEvents(items: readonly LogItem[]): void {
    const last = items.at(-1);
    if (last === undefined || "gap" in last || this.#current === undefined) return;
    const { chunk } = last;
    const waiting = this.#current.events;
    let keptBytes = 0;
    let index = waiting.length;
    while (index > 0 && waiting[index - 1]!.bytes === chunk) keptBytes += waiting[--index]!.sizeBytes;
    if (keptBytes * FEW >= chunk.length) return;
    for (const event of waiting.slice(index)) event.moveTo(this.#slab.copy(event.payload));
    this.#current.letGo(last.source);
  }

  #hold(window: Window, event: LogEvent, source: ReadChunk): void {
    const { batchBytes } = this.#traits;
    const limit = batchBytes * Math.ceil(this.#capacity / this.#traits.batchSize);
    if (window.events.length > 0 && window.sizeBytes + event.sizeBytes > limit) {
      this.#close();
      this.#hold(this.#open(event.position), event, source);
      return;
    }
    window.add(event, source);
    this.#heldEvents += 1;
    this.#heldBytes += event.sizeBytes;
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

  /** Not before all that is flushed was read: what is in the log already is read next, and fills the window up. */
  #closeIfFlushed(): void {
    if (this.#current === undefined || this.#current.from > this.#flushTo) return;
    if (this.#readTo >= this.#flushTo) this.#close();
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

/** What all of them were read with; a gap is in nothing. */
function sourceOf(items: readonly LogItem[]): ReadChunk | undefined {
  const record = items.find((item) => "source" in item);
  return record?.source;
}
