import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { ExporterCounts, RuntimeEvent } from "@sandglass/protocol";
import { until } from "@sandglass/testkit";
import { onEnd, temporaryDirectory } from "../../log/testing/test-log.ts";
import { inputOf, newPlace, type Place } from "../../record/testing/event-inputs.ts";
import { Recorder } from "../../recorder.ts";
import { Delivery, type DeliveryOptions } from "../delivery.ts";
import type { RetryOptions } from "../retry-schedule.ts";
import { providers, type ScriptedDestination } from "./scripted-destination.ts";

/** A record and its delivery, as a daemon has them, that can be closed and opened again. */
export interface TestDelivery {
  readonly dataDir: string;
  readonly recorder: Recorder;
  readonly delivery: Delivery;
  readonly problems: string[];
  /** Events as they were committed, the delivery's own left out. */
  readonly emitted: RuntimeEvent[];
  emit(count: number, place?: Place): Promise<void>;
  /** Ends as a daemon does; `open` again takes the same directory. */
  close(deadlineMs?: number): Promise<void>;
}

export const FAST_RETRY: Partial<RetryOptions> = { initialMs: 5, maxMs: 20, stallAfterMs: 30 };

export async function openTestDelivery(
  t: TestContext,
  destinations: Readonly<Record<string, ScriptedDestination>>,
  options: Partial<DeliveryOptions> = {},
): Promise<TestDelivery> {
  const dataDir = options.dataDir ?? temporaryDirectory(t);
  const recorder = options.recorder ?? (await Recorder.open({ dataDir }));
  const problems: string[] = [];
  const emitted: RuntimeEvent[] = [];
  recorder.subscribe((event) => {
    if (!event.type.startsWith("exporter.")) emitted.push(event);
  });
  const delivery = await Delivery.open({
    recorder,
    dataDir,
    registry: providers(destinations),
    retry: FAST_RETRY,
    onProblem: (message) => problems.push(message),
    ...options,
  });
  let isClosed = false;
  const close = async (deadlineMs = 1_000): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    await delivery.shutdown(deadlineMs);
    await recorder.close();
  };
  onEnd(t, () => close(100));
  const home = newPlace();
  return {
    dataDir,
    recorder,
    delivery,
    problems,
    emitted,
    close,
    async emit(count, place = home) {
      const inputs = Array.from({ length: count }, (_, index) =>
        inputOf(place, "agent.thinking", { text: `thought ${index}`, bytes: 9 }),
      );
      await Promise.all(inputs.map((input) => recorder.emit(input)));
      await setImmediate(); // until `emitted` has them
    },
  };
}

/** accepted = delivered + filtered + queued + inFlight + dropped */
export function assertAddsUp(counts: ExporterCounts): void {
  const { accepted, delivered, filtered, queued, inFlight, dropped } = counts;
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  assert.equal(accepted, delivered + filtered + queued + inFlight + lost, JSON.stringify(counts));
  for (const value of [accepted, delivered, filtered, queued, inFlight, lost])
    assert.ok(value >= 0, JSON.stringify(counts));
}

/** Looks at every turn of the event loop until the test ends. */
export function watchCounts(t: TestContext, delivery: Delivery): { samples: number } {
  const seen = { samples: 0 };
  let isOver = false;
  const look = (): void => {
    if (isOver) return;
    for (const { counts } of delivery.list()) assertAddsUp(counts);
    seen.samples += 1;
    setTimeout(look, 1);
  };
  look();
  onEnd(t, () => {
    isOver = true;
  });
  return seen;
}

export async function untilReceived(destination: ScriptedDestination, count: number): Promise<void> {
  await until(`${count} events received`, () => destination.received.length >= count);
}
