import { Command } from "commander";
import { confirm } from "../confirm.ts";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { forEach } from "../for-each.ts";
import { deletionText } from "../print/deletion.ts";
import { printableJson } from "../print/printable.ts";
import type { Terminal } from "../terminal.ts";

/** `sandglass runs delete`. */
export function runsDeleteCommand(terminal: Terminal): Command {
  return withConnection(new Command("delete").summary("delete runs and all that is recorded of them"))
    .description(
      "Delete everything that the daemon's host has of complete runs and of the sandboxes that are theirs alone: events, telemetry, output. What exporters have sent is where they sent it.",
    )
    .argument("<run...>", "their ids")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      `
Examples:
  sandglass runs delete run_…
  sandglass runs delete --yes run_… run_…`,
    )
    .action(async (ids: string[], options: ConnectionOptions & { yes?: boolean }) => {
      await confirm(terminal, `Delete everything that is recorded of ${ids.join(", ")}?`, options.yes);
      const client = clientOf(options);
      const deleted: unknown[] = [];
      const remove = async (id: string): Promise<void> => {
        const result = await client.runs.delete(id);
        deleted.push({ id, ...result });
        if (!options.json) await terminal.print(`${id}: ${deletionText(result)}`);
      };
      await forEach(ids, terminal, options.json ?? false, remove, async () => {
        if (options.json) await terminal.print(printableJson(deleted, 2));
      });
    });
}
