import { setTimeout as delay } from "node:timers/promises";
import type { Emit } from "@sandglass/protocol";
import { execEvents } from "./exec-events.ts";

/**
 * Emits one event after the other and returns how long each took until it was acknowledged, milliseconds. All are emitted in the same
 * state: an emit right after a sleep takes about twice as long as one right after another emit, and a mix of both has a median that
 * says only how many there were of each.
 *
 * @param everyMs each is emitted when a sleep of so long is over; 0 begins the next as soon as the one before is acknowledged
 */
export async function emitAtPace(emit: Emit, count: number, everyMs: number): Promise<number[]> {
  const events = execEvents(count);
  const samples = new Array<number>(count);
  for (const [index, event] of events.entries()) {
    if (everyMs > 0) await delay(everyMs);
    const before = performance.now();
    await emit(event);
    samples[index] = performance.now() - before;
  }
  return samples;
}
