/** Says "ready", waits for a line, tries to take the directory in `argv[2]`, prints "held" or the error, and stays. */
import { DirectoryLock } from "../directory-lock.ts";

process.stdout.write("ready\n");
process.stdin.once("data", () => {
  try {
    DirectoryLock.acquire(process.argv[2]!);
    process.stdout.write("held\n");
  } catch (error) {
    process.stdout.write(`${(error as Error).message}\n`);
  }
});
