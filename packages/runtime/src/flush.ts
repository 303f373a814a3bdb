import { SandglassError } from "@sandglass/protocol";
import { FileOperation } from "./file-operation.ts";
import type { Sandbox } from "./sandbox.ts";
import { unlessAborted } from "./unless-aborted.ts";

const TIMEOUT_MS = 30_000;

/** What a guest's kernel keeps in its memory reaches the sandbox's disk, where the host can see it. Of others the host's own has it. */
export async function flush(sandbox: Sandbox): Promise<void> {
  const { machine } = sandbox.parts;
  if (!machine.driver.hasGuestKernel) return;
  const release = await sandbox.hold();
  const signal = AbortSignal.any([sandbox.over, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const operation = await FileOperation.start(machine.agent, ["sync"]);
    await unlessAborted(signal, operation.fields(), () => {
      operation.abandon();
      return new SandglassError("FILE_ERROR", "the sandbox's kernel did not write out what it holds in time");
    });
  } finally {
    release();
  }
}
