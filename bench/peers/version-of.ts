import { execFile } from "node:child_process";
import { promisify } from "node:util";

/**
 * The version that a program names.
 *
 * @throws Error that names the program where it is not installed
 */
export async function versionOf(program: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, ["--version"]);
    return /\d+\.\d+[\w.+~-]*/.exec(stdout)?.[0] ?? stdout.trim();
  } catch (cause) {
    throw new Error(`${program} is not installed`, { cause });
  }
}
