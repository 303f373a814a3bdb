import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SandglassError } from "@sandglass/protocol";
import { DurableLog } from "../log/durable-log.ts";
import type { LogProblem } from "../log/log-options.ts";
import type { CollectorSettings } from "./messages.ts";

/** How long the collector of a daemon that was killed may take to notice. */
const TAKE_OVER_MS = 10_000;
const TRY_EVERY_MS = 20;
/** What comes in while readers gather a trickle, at the full rate of one processor. */
const RECENT_BYTES = 8 * 1024 * 1024;

/**
 * Opens `<dataDir>/telemetry`. A collector that lost its daemon lets go of it in a moment: until then this waits.
 *
 * @param orphaned fires when nobody needs it any more
 * @throws SandglassError LOG_UNAVAILABLE
 */
export async function openTelemetryLog(
  settings: CollectorSettings,
  onProblem: (problem: LogProblem) => void,
  orphaned: AbortSignal,
): Promise<DurableLog> {
  const { dataDir, durability, maxBytes, maxAgeMs } = settings;
  const endsAt = performance.now() + TAKE_OVER_MS;
  for (;;) {
    try {
      return await DurableLog.open({
        dir: join(dataDir, "telemetry"),
        durability,
        holdsForeignBytes: true,
        recentBytes: RECENT_BYTES,
        retention: { maxBytes, ...(maxAgeMs !== undefined && { maxAgeMs }) },
        onProblem,
      });
    } catch (error) {
      const isTaken = error instanceof SandglassError && /in use by process/.test(error.message);
      if (!isTaken || performance.now() > endsAt || orphaned.aborted) throw error;
      await delay(TRY_EVERY_MS);
    }
  }
}
