import { Command } from "commander";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { printableJson } from "../print/printable.ts";
import { withSpinner } from "../print/spinner.ts";
import type { Terminal } from "../terminal.ts";

/** `sandglass merge`: a sandbox takes over the files of another one, which ends. */
export function mergeCommand(terminal: Terminal): Command {
  return withConnection(new Command("merge").summary("take over the files of another sandbox, and end it"))
    .description(
      "Have a sandbox take over the files of another one, most often its fork: what that one added, modified and removed. The other one ends, " +
        "with the cause merged. Prints the id of the sandbox that stays.",
    )
    .argument("<sandbox>", "the one that stays")
    .argument("<winner>", "the one whose files it takes over")
    .addHelpText(
      "after",
      `
Examples:
  sandglass merge sbx_… sbx_…
  sandglass diff sbx_… && sandglass merge sbx_… sbx_…`,
    )
    .action(async (id: string, winner: string, options: ConnectionOptions) => {
      const sandbox = await clientOf(options).sandboxes.connect(id);
      await withSpinner(terminal, "taking over its files", sandbox.merge(winner));
      await terminal.print(options.json ? printableJson({ id, winner }, 2) : id);
    });
}
