import { FileOperation } from "./file-operation.ts";
import type { Sandbox } from "./sandbox.ts";

/** What a guest's kernel keeps in its memory reaches the sandbox's disk, where the host can see it. Of others the host's own has it. */
export async function flush(sandbox: Sandbox): Promise<void> {
  const { machine } = sandbox.parts;
  if (!machine.driver.hasGuestKernel) return;
  const release = await sandbox.hold();
  try {
    await (await FileOperation.start(machine.agent, ["sync"])).fields();
  } finally {
    release();
  }
}
