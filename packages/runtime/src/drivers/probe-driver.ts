import { newSandboxId } from "@sandglass/protocol";
import { AgentConnection } from "../agent/connection.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import type { SandboxDriver } from "./driver.ts";

const TIMEOUT_MS = 15_000;
const DISK_MB = 16;

/**
 * Makes a sandbox, has its agent fork a process and puts that into a group, then ends it. Resolves with the milliseconds until then.
 *
 * @throws Error with what the isolation tool said, where that does not work
 */
export async function probeDriver(driver: SandboxDriver): Promise<number> {
  const started = performance.now();
  const limits = { ...DEFAULT_LIMITS, diskMb: DISK_MB };
  const sandbox = await driver.create({ id: newSandboxId(), limits, mounts: [] });
  const agent = new AgentConnection(sandbox.socket);
  const timer = setTimeout(() => agent.close(), TIMEOUT_MS);
  try {
    await agent.ready();
    const group = await sandbox.attach("probe", await agent.fork());
    group.kill();
    return performance.now() - started;
  } catch (error) {
    await sandbox.kill();
    throw new Error(sandbox.diagnosis() || (error as Error).message, { cause: error });
  } finally {
    clearTimeout(timer);
    await sandbox.kill();
    agent.close();
    await sandbox.release();
  }
}
