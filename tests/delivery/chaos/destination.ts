import { setTimeout as delay } from "node:timers/promises";
import type { ExporterSpec, RuntimeEvent } from "@sandglass/protocol";
import type { Seeded } from "@sandglass/testkit";

const MOST_WELL_MS = 4_000;
const MOST_UNWELL_MS = 3_000;

/** Where one exporter sends to, for real; on demand it does not take anything, or only says so. */
export interface Destination extends AsyncDisposable {
  readonly exporter: ExporterSpec & { id: string };
  /** What its filter means, in other words. */
  wants(event: RuntimeEvent): boolean;
  /** Whether it must have each event once, and not only at least once. */
  readonly exactlyOnce: boolean;
  /** Makes it misbehave in one of its ways; resolves with what ends that. */
  fail(random: Seeded): Promise<() => Promise<void>>;
  /** How often it has each event by now, by id. */
  copies(): Promise<ReadonlyMap<string, number>>;
}

/**
 * Lets a destination be well and unwell in turns while `work` goes on; then it is well.
 *
 * @returns how many faults it had
 */
export async function whileFlapping(
  destination: Pick<Destination, "fail">,
  random: Seeded,
  work: Promise<unknown>,
): Promise<number> {
  const ending = new AbortController();
  void work.catch(() => undefined).finally(() => ending.abort());
  for (let faults = 0; ; faults++) {
    if (!(await pause(random.int(MOST_WELL_MS), ending.signal))) return faults;
    const end = await destination.fail(random);
    await pause(random.int(MOST_UNWELL_MS), ending.signal);
    await end();
  }
}

/** False where it was cut short. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}
