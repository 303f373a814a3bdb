import { EXIT } from "./exit-codes.ts";
import { reportFailure } from "./failure.ts";
import { isJsonAsked } from "./json-asked.ts";
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
  let isJson = false;
  const program = buildProgram(
    terminal,
    () => {
      isRunningOn = true;
    },
    () => isJson,
  );
  isJson = isJsonAsked(argv, program);
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    return reportFailure(error, terminal, isJson);
  }
  return isRunningOn ? undefined : EXIT.ok;
}
