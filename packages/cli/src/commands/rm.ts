import { Command } from "commander";
import { SandglassError } from "sandglass";
import { confirm } from "../confirm.ts";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { forEach } from "../for-each.ts";
import { deletionText } from "../print/deletion.ts";
import { printableJson } from "../print/printable.ts";
import type { Terminal } from "../terminal.ts";

/** `sandglass rm`: ends sandboxes; one that has ended already is no error. */
export function rmCommand(terminal: Terminal): Command {
  return withConnection(new Command("rm").summary("end sandboxes"))
    .description(
      "End sandboxes and everything in them. What they did stays in the record, unless that is to go too.",
    )
    .argument("<sandbox...>", "their ids")
    .option("--record", "delete everything that is recorded of them as well: events, telemetry, output")
    .option("-y, --yes", "with --record: do not ask")
    .addHelpText(
      "after",
      `
Examples:
  sandglass rm sbx_…
  sandglass rm --record sbx_…
  sandglass ps -q | xargs sandglass rm`,
    )
    .action(async (ids: string[], options: ConnectionOptions & { record?: boolean; yes?: boolean }) => {
      if (options.record) return removeRecords(terminal, ids, options);
      const client = clientOf(options);
      const end = async (id: string): Promise<void> => {
        const sandbox = await client.sandboxes.connect(id);
        await sandbox.terminate();
        if (!options.json) await terminal.print(id);
      };
      await forEach(ids, terminal, options.json ?? false, end, async (ended) => {
        if (options.json) await terminal.print(printableJson({ ended }, 2));
      });
    });
}

/** Of those too that ended long ago, and that nobody knows any more. */
async function removeRecords(
  terminal: Terminal,
  ids: readonly string[],
  options: ConnectionOptions & { yes?: boolean },
): Promise<void> {
  await confirm(
    terminal,
    `End ${ids.join(", ")} and delete everything that is recorded of them?`,
    options.yes,
  );
  const client = clientOf(options);
  const deleted: unknown[] = [];
  const remove = async (id: string): Promise<void> => {
    const live = await client.sandboxes.connect(id).catch((error: unknown) => {
      if (error instanceof SandglassError && error.code === "SANDBOX_NOT_FOUND") return undefined;
      throw error;
    });
    await live?.terminate();
    const result = await client.sandboxes.deleteRecord(id);
    deleted.push({ id, ...result });
    if (!options.json) await terminal.print(`${id}: ${deletionText(result)}`);
  };
  await forEach(ids, terminal, options.json ?? false, remove, async () => {
    if (options.json) await terminal.print(printableJson(deleted, 2));
  });
}
