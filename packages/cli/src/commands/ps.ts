import { Command } from "commander";
import type { Client, SandboxInfo } from "sandglass";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { age } from "../print/duration.ts";
import { printableJson } from "../print/printable.ts";
import { table } from "../print/table.ts";
import type { Terminal } from "../terminal.ts";

interface PsOptions extends ConnectionOptions {
  all?: boolean;
  quiet?: boolean;
  run?: string;
}

/** `sandglass ps`: the sandboxes, newest first. */
export function psCommand(terminal: Terminal): Command {
  return withConnection(new Command("ps").summary("list sandboxes"))
    .description("List sandboxes, newest first.")
    .option("-a, --all", "those that have ended too, with their cause")
    .option("-q, --quiet", "ids alone")
    .option("--run <id>", "of this agent run alone")
    .addHelpText(
      "after",
      `
Examples:
  sandglass ps
  sandglass ps --all --json | jq '.[] | select(.cause == "oom_killed")'
  sandglass ps -q | xargs sandglass rm`,
    )
    .action(async (options: PsOptions) => {
      const sandboxes = await listAll(clientOf(options), options);
      if (options.json) return terminal.print(printableJson(sandboxes, 2));
      if (options.quiet) {
        for (const { id } of sandboxes) await terminal.print(id);
        return;
      }
      const isAll = options.all ?? false;
      const hasForks = sandboxes.some(({ parentId }) => parentId !== undefined);
      const headings = [
        "SANDBOX",
        "TEMPLATE",
        "STATE",
        "AGE",
        "SOURCE",
        "MEMORY",
        ...(hasForks ? ["FORK OF"] : []),
        ...(isAll ? ["CAUSE"] : []),
      ];
      const rows = sandboxes.map((info) => rowOf(info, { isAll, hasForks }));
      await terminal.print(table(headings, rows, terminal.colors));
    });
}

async function listAll(client: Client, options: PsOptions): Promise<SandboxInfo[]> {
  const { all, run } = options;
  const sandboxes: SandboxInfo[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.sandboxes.list({
      ended: all ?? false,
      limit: 1000,
      ...(run !== undefined && { runId: run }),
      ...(cursor !== undefined && { cursor }),
    });
    sandboxes.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return sandboxes;
}

function rowOf(info: SandboxInfo, { isAll, hasForks }: { isAll: boolean; hasForks: boolean }): string[] {
  const { id, parentId = "", template, state, createdAt, source, limits, cause, reason } = info;
  const row = [id, template, state, age(createdAt), source, `${limits.memoryMb} MiB`];
  if (hasForks) row.push(parentId);
  if (isAll) row.push(cause === undefined ? "" : `${cause}${reason === undefined ? "" : `: ${reason}`}`);
  return row;
}
