import { Command } from "commander";
import type { Client } from "sandglass";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { execStart } from "../exec-start.ts";
import { UsageError } from "../exit-codes.ts";
import { printableJson } from "../print/printable.ts";
import { traceTree } from "../print/trace-tree.ts";
import type { Terminal } from "../terminal.ts";

/** `sandglass trace`: what caused what, how long it took, and why it ended. */
export function traceCommand(terminal: Terminal): Command {
  return withConnection(new Command("trace").summary("show a trace as a tree"))
    .description("Show what caused what in a trace, with durations and causes. Failed spans are red.")
    .argument("<id>", "a trace id; a sandbox's, exec's or run's id shows the trace that it began in")
    .option("--events", "points in time too, and the requests that only recorded events")
    .addHelpText(
      "after",
      `
Examples:
  sandglass trace 4bf92f3577b34da6a3ce929d0e0e4736
  sandglass trace sbx_… --events
  sandglass trace exec_…
  sandglass trace 4bf92f3577b34da6a3ce929d0e0e4736 --json | jq '.spans[] | select(.status == "error")'`,
    )
    .action(async (id: string, options: ConnectionOptions & { events?: boolean }) => {
      const client = clientOf(options);
      const trace = await client.traces.get(await traceIdOf(client, id));
      if (options.json) return terminal.print(printableJson(trace, 2));
      const { columns, colors } = terminal;
      await terminal.note(terminal.errorColors.dim(`trace ${trace.traceId}`));
      await terminal.print(traceTree(trace, colors, { columns, events: options.events ?? false }));
    });
}

async function traceIdOf(client: Client, id: string): Promise<string> {
  if (/^[0-9a-fA-F]{32}$/.test(id)) return id.toLowerCase();
  if (id.startsWith("sbx_")) return (await client.sandboxes.get(id)).traceId;
  if (id.startsWith("exec_")) return (await execStart(client, id)).traceId;
  if (id.startsWith("run_")) {
    for await (const event of client.events({ runId: id, limit: 1 })) {
      if (event.type !== "gap") return event.traceId;
    }
    throw new UsageError(`nothing is recorded of run ${id}`);
  }
  throw new UsageError(`"${id}" is no trace id (32 hex characters), and no id of a sandbox, exec or run`);
}
