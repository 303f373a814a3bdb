import { EXIT } from "./exit-codes.ts";
import { reportFailure } from "./failure.ts";
import { buildProgram } from "./program.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Runs one command line.
 *
 * @param argv behind the program's name
 * @returns the exit code; undefined where the command goes on (the daemon) and ends the process itself
 */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number | undefined> {
  let isRunningOn = false;
  const program = buildProgram(terminal, () => {
    isRunningOn = true;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    return reportFailure(error, terminal, isJsonAsked(argv));
  }
  return isRunningOn ? undefined : EXIT.ok;
}

/** Only up to `--`: what stands behind belongs to somebody else's command. */
function isJsonAsked(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end === -1 ? argv.length : end).includes("--json");
}
