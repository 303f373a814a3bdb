import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Check } from "@sandglass/protocol";
import { SandglassError } from "@sandglass/protocol";
import { detectCgroups } from "../host/cgroup-layout.ts";
import { hostChecks } from "../host/checks.ts";
import { Drivers } from "./drivers.ts";
import { userMapping } from "./user-mapping.ts";

/**
 * What of this host matters to isolation, as the user who asks would have it; each way to isolate is tried by a sandbox. Needs no daemon,
 * and leaves nothing.
 */
export async function checkHost(): Promise<Check[]> {
  const isRoot = process.getuid?.() === 0;
  // A user's daemon would move itself, and whatever is beside it, to a group of its own: not for a look.
  const layout = detectCgroups(isRoot ? undefined : "");
  const dataDir = await mkdtemp(join(tmpdir(), "sandglass-doctor-"));
  try {
    const drivers = await Drivers.start({ dataDir, mountPoints: [], layout });
    try {
      return await drivers.checks();
    } finally {
      await drivers.close();
    }
  } catch (error) {
    const { message } = error as Error;
    const hint = error instanceof SandglassError ? error.hint : undefined;
    const failed: Check = { name: "isolation bubblewrap", status: "error", detail: message };
    const checks = await hostChecks(layout, isRoot ? undefined : userMapping());
    return [...checks, hint === undefined ? failed : { ...failed, hint }];
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}
