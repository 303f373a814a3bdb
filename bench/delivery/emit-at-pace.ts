import { setTimeout as delay } from "node:timers/promises";
import type { Emit } from "@sandglass/protocol";
import { execEvents } from "./exec-events.ts";

/**
 * Emits one event after the other and returns how long each took until it was acknowledged, milliseconds.
 *
 * @param perSecond 0 begins the next as soon as the one before is acknowledged
 */
export async function emitAtPace(emit: Emit, count: number, perSecond: number): Promise<number[]> {
  const events = execEvents(count);
  const samples = new Array<number>(count);
  const started = performance.now();
  for (const [index, event] of events.entries()) {
    if (perSecond > 0) {
      const aheadMs = started + (index * 1000) / perSecond - performance.now();
      if (aheadMs > 0) await delay(aheadMs);
    }
    const before = performance.now();
    await emit(event);
    samples[index] = performance.now() - before;
  }
  return samples;
}
