import { Command } from "commander";
import type { EventsOptions } from "sandglass";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { destinationText, type EgressDestination, EgressTally } from "../egress-summary.ts";
import { printableJson } from "../print/printable.ts";
import { table } from "../print/table.ts";
import type { Terminal } from "../terminal.ts";

interface EgressCommandOptions extends ConnectionOptions {
  sandbox?: string;
  run?: string;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** `sandglass egress`: what sandboxes reached, what they did not, and what would have let them. */
export function egressCommand(terminal: Terminal): Command {
  return withConnection(new Command("egress").summary("sum up what sandboxes reached, and tried to"))
    .description(
      "Sum up by destination what sandboxes reached and what was denied, from the record, and print the allow-list that would have been needed.",
    )
    .option("--sandbox <id>", "of this sandbox alone")
    .option("--run <id>", "of this agent run alone")
    .addHelpText(
      "after",
      `
Examples:
  sandglass egress --sandbox sbx_…
  sandglass egress --run run_… --json | jq .network`,
    )
    .action(async (options: EgressCommandOptions) => {
      const filter: EventsOptions = {
        types: ["network.egress", "network.denied"],
        signal: terminal.interruption,
        ...(options.sandbox !== undefined && { sandboxId: options.sandbox }),
        ...(options.run !== undefined && { runId: options.run }),
      };
      const tally = new EgressTally();
      for await (const event of clientOf(options).events(filter)) {
        if (event.type !== "gap") tally.add(event);
      }
      const summary = tally.summary();
      if (options.json) return terminal.print(printableJson(summary, 2));
      const { dim, yellow } = terminal.errorColors;
      if (summary.destinations.length === 0)
        return terminal.note(dim("nothing was reached, and nothing was tried"));
      const headings = ["DESTINATION", "ALLOWED", "DENIED", "IN", "OUT", "EXECS", "WHY"];
      await terminal.print(table(headings, summary.destinations.map(rowOf), terminal.colors));
      await terminal.note(dim("what would have let all of it out but what a rule denies:"));
      await terminal.print(printableJson({ network: summary.network }, 2));
      if (summary.unnamed > 0)
        await terminal.note(
          yellow(
            `– stands for ${summary.unnamed} refused requests of which no destination is known; the list has none of them`,
          ),
        );
      for (const host of summary.notPublic) {
        await terminal.note(
          yellow(
            `${host}: its address is not public; a key with the scope "admin" has to allow the address too`,
          ),
        );
      }
    });
}

function rowOf(destination: EgressDestination): string[] {
  const { allowed, denied, bytesIn, bytesOut, execIds, reasons } = destination;
  const counts = [allowed, denied].map(String);
  const traffic = [bytesIn, bytesOut].map(bytesText);
  return [destinationText(destination), ...counts, ...traffic, String(execIds.length), reasons.join(", ")];
}

function bytesText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${UNITS[unit]}`;
}
