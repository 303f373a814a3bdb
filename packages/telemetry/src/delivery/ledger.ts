import type { ExporterCounts } from "@sandglass/protocol";
import type { Checkpoint } from "./exporter.ts";
import type { Window } from "./window.ts";

/** What is kept with an exporter's cursor, so that its numbers add up across restarts and crashes. */
export interface LedgerState {
  /** Events at or before this position were never meant for it. */
  startPosition: number;
  delivered: number;
  filtered: number;
  dropped: Record<string, number>;
  checkpoint?: Checkpoint;
  /** Why it is switched off. */
  disabled?: string;
}

/**
 * An exporter's accounts: every position of the log from its start is in exactly one place. Windows are settled in any order;
 * the cursor follows the oldest that is not.
 */
export class Ledger {
  /** Last position with everything at or before it dealt with. */
  settledTo: number;
  /** What the destination wants to have kept with it. */
  checkpoint: Checkpoint | undefined;
  disabled: string | undefined;
  /** Windows that were dispatched and are not settled, or behind one that is not. */
  readonly #open: Window[] = [];
  readonly #startPosition: number;
  #delivered = 0;
  #filtered = 0;
  readonly #dropped: Record<string, number> = {};

  /** @param state what was committed with the cursor at `position`; undefined for an exporter that is new */
  constructor(position: number, state: unknown) {
    this.settledTo = position;
    const known = isState(state) ? state : undefined;
    if (known) {
      this.#delivered = known.delivered;
      this.#filtered = known.filtered;
      Object.assign(this.#dropped, known.dropped);
      this.checkpoint = known.checkpoint;
      this.disabled = known.disabled;
    }
    // Where a power cut took the cursor back, what was counted behind it stays counted.
    this.#startPosition = position - this.#delivered - this.#filtered - sum(this.#dropped);
  }

  /** A window that counts from now on; `window.to` may still grow until it is dispatched. */
  open(window: Window): void {
    this.#open.push(window);
  }

  /** Moves the cursor over what is settled. True where it moved. */
  advance(): boolean {
    let hasMoved = false;
    for (let first = this.#open[0]; first?.outcome !== undefined; first = this.#open[0]) {
      this.#open.shift();
      this.#delivered += first.outcome.delivered;
      this.#filtered += first.filtered;
      this.checkpoint = first.outcome.checkpoint ?? this.checkpoint;
      if (first.outcome.rejected > 0) this.#drop("rejected", first.outcome.rejected);
      for (const [reason, count] of Object.entries(first.missing)) this.#drop(reason, count);
      this.settledTo = first.to;
      hasMoved = true;
    }
    return hasMoved;
  }

  /** Takes back what was read and not settled: it is read again. */
  rewind(): void {
    this.#open.length = 0;
  }

  /** The oldest event that was read and is not settled. */
  oldestUnsettled(): Window["events"][number] | undefined {
    return this.#open.find(({ outcome, events }) => outcome === undefined && events.length > 0)?.events[0];
  }

  /** How many events at or before `position` are neither delivered nor given up; such as are not read yet may be filtered still. */
  pendingTo(position: number): number {
    let pending = 0;
    let readTo = this.settledTo;
    for (const { to, outcome, events } of this.#open) {
      readTo = to;
      if (outcome === undefined) pending += events.filter((event) => event.position <= position).length;
    }
    return pending + Math.max(0, position - readTo);
  }

  /** Adds up at every moment: accepted = delivered + filtered + queued + inFlight + dropped. */
  counts(lastPosition: number): ExporterCounts {
    const counts: ExporterCounts = {
      accepted: 0,
      delivered: this.#delivered,
      filtered: this.#filtered,
      queued: 0,
      inFlight: 0,
      dropped: { ...this.#dropped },
    };
    let readTo = this.settledTo;
    for (const window of this.#open) {
      readTo = window.to;
      counts.filtered += window.filtered;
      for (const [reason, count] of Object.entries(window.missing)) add(counts.dropped, reason, count);
      if (window.outcome) {
        counts.delivered += window.outcome.delivered;
        if (window.outcome.rejected > 0) add(counts.dropped, "rejected", window.outcome.rejected);
      } else if (window.isDispatched) counts.inFlight += window.events.length;
      else counts.queued += window.events.length;
    }
    const end = Math.max(lastPosition, readTo);
    counts.queued += end - readTo;
    counts.accepted = end - this.#startPosition;
    return counts;
  }

  toState(): LedgerState {
    return {
      startPosition: this.#startPosition,
      delivered: this.#delivered,
      filtered: this.#filtered,
      dropped: { ...this.#dropped },
      ...(this.checkpoint !== undefined && { checkpoint: this.checkpoint }),
      ...(this.disabled !== undefined && { disabled: this.disabled }),
    };
  }

  #drop(reason: string, count: number): void {
    add(this.#dropped, reason, count);
  }
}

function add(counts: Record<string, number>, reason: string, count: number): void {
  counts[reason] = (counts[reason] ?? 0) + count;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

/** A cursor of another release may hold anything. */
function isState(value: unknown): value is LedgerState {
  const state = value as Partial<LedgerState> | null | undefined;
  return (
    typeof state === "object" &&
    state !== null &&
    Number.isSafeInteger(state.delivered) &&
    Number.isSafeInteger(state.filtered) &&
    typeof state.dropped === "object" &&
    state.dropped !== null &&
    Object.values(state.dropped).every(Number.isSafeInteger)
  );
}
