import { existsSync } from "node:fs";
import { join } from "node:path";
import { DurableLog, type Erased, type Erasure, eraseTelemetry } from "@sandglass/telemetry";

/** Where no telemetry is taken now, and was once: deletes from the log that it was in. Throws what the file system throws. */
export async function eraseUnread(dataDir: string, erasure: Erasure): Promise<Erased> {
  const dir = join(dataDir, "telemetry");
  if (!existsSync(dir)) return { records: 0, bytes: 0 };
  const log = await DurableLog.open({ dir, holdsForeignBytes: true });
  try {
    return await eraseTelemetry(log, erasure);
  } finally {
    await log.close();
  }
}
