import type { DurableLog } from "../../log/durable-log.ts";
import type { LogItem } from "../../log/log-reader.ts";
import type { Notifier } from "../../log/notifier.ts";
import { readTelemetryRecord, type TelemetryRecord } from "../telemetry-record.ts";
import type { SignalLane } from "./signal-lane.ts";

/** How long one is read for before it is looked who is further behind: 64 MiB of log. */
const CHUNKS_IN_A_ROW = 256;

export interface BehindReaderParts {
  log: DurableLog;
  /** Those that are behind. */
  behind: ReadonlySet<SignalLane>;
  /** Last position that was read for all. */
  readTo(): number;
  laneOf(record: TelemetryRecord): SignalLane | undefined;
  /** A lane may be hungry now. */
  changed: Notifier;
}

/**
 * Reads the log for the lanes that are behind, however many, in one pass: from where the hindmost of those that can take something is,
 * taking along whoever it passes. One that has had its fill stays where it is until it is hungry again.
 */
export class BehindReader {
  readonly #parts: BehindReaderParts;

  constructor(parts: BehindReaderParts) {
    this.#parts = parts;
  }

  /** Until the signal fires. Rejects with what reading the log fails with. */
  async run(signal: AbortSignal): Promise<void> {
    const { behind, changed } = this.#parts;
    while (!signal.aborted) {
      const from = hindmost(behind);
      if (from === undefined) await changed.wait(signal);
      else await this.#readFrom(from, signal);
    }
  }

  async #readFrom(from: number, signal: AbortSignal): Promise<void> {
    const { log, behind, readTo } = this.#parts;
    const to = readTo();
    // Nothing is left for it but what is read for all next.
    if (from > to) return this.#catchUp(from);
    let next = from;
    let chunks = 0;
    for await (const items of log.readBatches({ from, to, signal })) {
      next = this.#share(items, next);
      chunks += 1;
      const wanted = hindmost(behind);
      if (wanted === undefined || chunks >= CHUNKS_IN_A_ROW) return;
      // Nobody wants what comes next; someone wants something else.
      if (![...behind].some((lane) => lane.isHungry && lane.behindFrom === next)) return;
    }
  }

  /** Gives out one chunk that begins at position `from`, to those that are in its range; returns the position behind it. */
  #share(items: readonly LogItem[], from: number): number {
    const last = items.at(-1)!;
    const end = ("gap" in last ? last.gap.to : last.position) + 1;
    const open = new Set<SignalLane>();
    for (const lane of this.#parts.behind) {
      if (lane.behindFrom! >= from && lane.behindFrom! < end) open.add(lane);
    }
    for (const item of items) {
      if ("gap" in item) {
        const { to, reason } = item.gap;
        for (const lane of open) if (lane.behindFrom! <= to) lane.missed(reason);
        continue;
      }
      const record = readTelemetryRecord(item.payload);
      const lane = record && this.#parts.laneOf(record);
      if (lane === undefined || !open.has(lane) || lane.behindFrom! > item.position) continue;
      if (!lane.acceptBehind(item.position, record!)) open.delete(lane);
    }
    for (const lane of open) lane.readUpTo(end, end > this.#parts.readTo());
    return end;
  }

  #catchUp(from: number): void {
    for (const lane of [...this.#parts.behind]) if (lane.behindFrom === from) lane.readUpTo(from, true);
  }
}

/** Where the hindmost of the hungry ones is; undefined where none is. */
function hindmost(lanes: ReadonlySet<SignalLane>): number | undefined {
  let position: number | undefined;
  for (const lane of lanes) {
    if (lane.isHungry && lane.behindFrom! < (position ?? Number.POSITIVE_INFINITY))
      position = lane.behindFrom;
  }
  return position;
}
