import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { SandglassError } from "@sandglass/protocol";
import { NATIVE } from "../native.ts";
import { type CgroupLayout, hierarchies } from "./cgroup-layout.ts";

/**
 * Removes what an earlier daemon left: a directory with everything in it, and a control group in every hierarchy, once its killed
 * processes have gone. A native process does it (`native/clear.c`): a crash may have left thousands of groups, and this thread has the
 * rest of the start to do.
 *
 * @throws SandglassError DRIVER_ERROR with what stayed, for groups after five seconds
 */
export async function clearLeftovers(directory: string, layout: CgroupLayout, group: string): Promise<void> {
  const groups = hierarchies(layout).map((mount) => join(mount, group));
  try {
    await promisify(execFile)(NATIVE.helper, ["clear", directory, ...groups], { env: {} });
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() || (error as Error).message;
    throw new SandglassError("DRIVER_ERROR", `what an earlier daemon left could not be removed: ${said}`, {
      hint: "see what still uses it, and start again",
    });
  }
}
