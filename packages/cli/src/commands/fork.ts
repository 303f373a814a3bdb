import { Command } from "commander";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { inOptions } from "../option-names.ts";
import { parsePositive } from "../option-values.ts";
import { printableJson } from "../print/printable.ts";
import { withSpinner } from "../print/spinner.ts";
import type { Terminal } from "../terminal.ts";

/** `sandglass fork`: prints the ids of the forks alone on stdout, a line each, so that a script can take them. */
export function forkCommand(terminal: Terminal): Command {
  return withConnection(new Command("fork").summary("copy a sandbox with all its files"))
    .description(
      "Make sandboxes with the settings and all the files that one has at this moment, and print their ids. What runs in it, variables of " +
        "interpreters and open ports are not copied.",
    )
    .argument("<sandbox>", "its id")
    .option("-n, --count <number>", "how many, from 1 to 32", parsePositive, 1)
    .addHelpText(
      "after",
      `
Examples:
  sandglass fork sbx_…
  sandglass fork sbx_… -n 3 | xargs -I{} sandglass exec {} -- python3 try.py
  fork=$(sandglass fork sbx_…) && sandglass exec "$fork" -- make && sandglass diff "$fork"`,
    )
    .action(async (id: string, { count, ...options }: ConnectionOptions & { count: number }) => {
      const sandbox = await clientOf(options).sandboxes.connect(id);
      const forking = inOptions({ n: "--count" }, sandbox.fork({ n: count }));
      const forks = await withSpinner(terminal, "copying the sandbox", forking);
      if (options.json) {
        const infos = await Promise.all(forks.map((fork) => fork.info()));
        return terminal.print(printableJson(infos, 2));
      }
      for (const fork of forks) await terminal.print(fork.id);
    });
}
