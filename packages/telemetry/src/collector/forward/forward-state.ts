import { SIGNALS, type Signal } from "../../otlp/model.ts";
import type { Amount } from "./amount.ts";

/** What one lane had still to deliver: from this position on, so many requests and items. */
export interface OwedLane {
  readonly from: number;
  readonly amount: Amount;
}

export interface OwedDestination {
  /** When it took something last, Unix time in milliseconds; absent for never. */
  readonly tookAt?: number | undefined;
  readonly lanes: Partial<Record<Signal, OwedLane>>;
}

/** What is kept with the cursor, in the same write: where everybody is. */
export interface ForwardState {
  /** Last position that was read for all. */
  readonly readTo: number;
  /** By destination: those that have not everything up to there. */
  readonly owed: Readonly<Record<string, OwedDestination>>;
}

/**
 * What was kept, made fit for the log as it is: a power cut may have taken records that were read.
 *
 * @param data what the cursor held; a file that was damaged, or one of another version, holds nothing that is of use
 * @param committed the cursor's position @param last the log's last position
 */
export function restoreState(data: unknown, committed: number, last: number): ForwardState {
  const { readTo, owed } = Object(data) as Partial<ForwardState>;
  if (!isPosition(readTo)) return { readTo: committed, owed: {} };
  const known: Record<string, OwedDestination> = {};
  for (const [id, destination] of Object.entries(Object(owed) as ForwardState["owed"])) {
    const lanes: Partial<Record<Signal, OwedLane>> = {};
    for (const signal of SIGNALS) {
      const lane = destination?.lanes?.[signal];
      if (!isPosition(lane?.from) || !isAmount(lane.amount)) continue;
      lanes[signal] = { from: Math.min(lane.from, last + 1), amount: lane.amount };
    }
    known[id] = { lanes, ...(isPosition(destination?.tookAt) && { tookAt: destination.tookAt }) };
  }
  return { readTo: Math.min(readTo, last), owed: known };
}

/** Last position up to which nobody needs the log any more. */
export function settledTo({ readTo, owed }: ForwardState): number {
  let lowest = readTo;
  for (const { lanes } of Object.values(owed)) {
    for (const { from } of Object.values(lanes)) lowest = Math.min(lowest, from - 1);
  }
  return lowest;
}

function isPosition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isAmount(value: unknown): value is Amount {
  const { requests, items } = Object(value) as Partial<Amount>;
  return isPosition(requests) && isPosition(items);
}
