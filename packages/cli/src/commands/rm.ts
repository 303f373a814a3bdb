import { Command } from "commander";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { printableJson } from "../print/printable.ts";
import type { Terminal } from "../terminal.ts";

/** `sandglass rm`: ends sandboxes; one that has ended already is no error. */
export function rmCommand(terminal: Terminal): Command {
  return withConnection(new Command("rm").summary("end sandboxes"))
    .description("End sandboxes and everything in them. What they did stays in the record.")
    .argument("<sandbox...>", "their ids")
    .addHelpText(
      "after",
      `
Examples:
  sandglass rm sbx_…
  sandglass ps -q | xargs sandglass rm`,
    )
    .action(async (ids: string[], options: ConnectionOptions) => {
      const client = clientOf(options);
      for (const id of ids) {
        const sandbox = await client.sandboxes.connect(id);
        await sandbox.terminate();
        if (!options.json) await terminal.print(id);
      }
      if (options.json) await terminal.print(printableJson({ ended: ids }, 2));
    });
}
