import { createInterface } from "node:readline/promises";
import { Exit, UsageError } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Asks before what cannot be undone. Who is not at a terminal has to have said `--yes`.
 *
 * @throws Exit where the answer is not yes; UsageError where nobody can be asked
 */
export async function confirm(terminal: Terminal, question: string, isSure = false): Promise<void> {
  if (isSure) return;
  if (terminal.stdin.isTTY !== true) {
    throw new UsageError(`${question} Nobody can be asked here: say --yes`);
  }
  const lines = createInterface({ input: terminal.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal: terminal.interruption });
    if (!/^y(es)?$/i.test(answer.trim())) throw new Exit(1);
  } finally {
    lines.close();
  }
}
