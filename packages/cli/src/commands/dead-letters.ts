import { Command } from "commander";
import type { Client, DeadLetter } from "sandglass";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { parsePositive } from "../option-values.ts";
import { deadLetterTable } from "../print/dead-letter-table.ts";
import { printableJson } from "../print/printable.ts";
import type { Terminal } from "../terminal.ts";

const DEFAULT_LETTERS = 100;
const MAX_PAGE = 1000;

/** `sandglass exporters dead-letters ID`. */
export function deadLettersCommand(terminal: Terminal): Command {
  return withConnection(new Command("dead-letters").summary("list what its destination would not take"))
    .description(
      "What a destination would not take, the latest first, each with the reason. It is kept and not sent again.",
    )
    .argument("<exporter>", "its id")
    .option("-n, --limit <count>", "at most this many", parsePositive, DEFAULT_LETTERS)
    .addHelpText(
      "after",
      `
Examples:
  sandglass exporters dead-letters axiom
  sandglass exporters dead-letters axiom --json | jq '.[].event.data'`,
    )
    .action(async (id: string, options: ConnectionOptions & { limit: number }) => {
      const letters = await readLetters(clientOf(options), id, options.limit);
      if (options.json) return terminal.print(printableJson(letters, 2));
      await terminal.print(deadLetterTable(letters, terminal.colors));
    });
}

/** The latest so many, over as many pages as it takes. */
async function readLetters(client: Client, id: string, wanted: number): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for (let cursor: string | undefined; letters.length < wanted; ) {
    const limit = Math.min(MAX_PAGE, wanted - letters.length);
    const page = await client.exporters.deadLetters(id, { limit, ...(cursor !== undefined && { cursor }) });
    letters.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) break;
  }
  return letters;
}
