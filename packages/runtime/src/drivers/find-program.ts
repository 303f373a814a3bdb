import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** Where packages and administrators put programs; the daemon's own PATH may be anything. */
const DIRECTORIES = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Path of a program of the host's; undefined where there is none. Looked for each time: it may be installed meanwhile. */
export function findProgram(name: string): string | undefined {
  return DIRECTORIES.map((directory) => join(directory, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false; // the answer itself
    }
  });
}
