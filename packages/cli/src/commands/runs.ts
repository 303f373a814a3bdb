import { Command, Option } from "commander";
import type { RunState, RuntimeEvent } from "sandglass";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { parsePositive } from "../option-values.ts";
import { printableJson } from "../print/printable.ts";
import { runStory } from "../print/run-story.ts";
import { runTable } from "../print/run-table.ts";
import type { Terminal } from "../terminal.ts";
import { runsDeleteCommand } from "./runs-delete.ts";

/** `sandglass runs [list|show|delete]`. */
export function runsCommand(terminal: Terminal): Command {
  const runs = new Command("runs")
    .summary("show agent runs: what they did and what they cost")
    .description("Agent runs, newest first. Without a command: the list.")
    .addHelpText(
      "after",
      "\nExamples:\n  sandglass runs\n  sandglass runs --status error\n  sandglass runs show run_…",
    );
  runs.addCommand(listCommand(terminal), { isDefault: true });
  runs.addCommand(showCommand(terminal));
  runs.addCommand(runsDeleteCommand(terminal));
  return runs;
}

interface ListOptions extends ConnectionOptions {
  status?: RunState;
  name?: string;
  limit: number;
}

function listCommand(terminal: Terminal): Command {
  return withConnection(new Command("list").alias("ls").summary("list runs, newest first"))
    .addOption(new Option("--status <status>", "only these").choices(["running", "ok", "error", "cancelled"]))
    .option("--name <text>", "whose name has this in it")
    .option("-n, --limit <count>", "at most this many, up to 1000", parsePositive, 20)
    .addHelpText(
      "after",
      `
COST is model calls and sandboxes together. A + behind it: some model's price is not known, it was more.

Examples:
  sandglass runs --status error
  sandglass runs --limit 1000 --json | jq 'map(.costUsd) | add'`,
    )
    .action(async ({ status, name, limit, ...options }: ListOptions) => {
      const { items } = await clientOf(options).runs.list({
        limit,
        ...(status !== undefined && { status }),
        ...(name !== undefined && { name }),
      });
      if (options.json) return terminal.print(printableJson(items, 2));
      await terminal.print(runTable(items, terminal.colors));
    });
}

function showCommand(terminal: Terminal): Command {
  return withConnection(new Command("show").summary("tell the story of a run"))
    .argument("<run>", "its id")
    .description(
      "What happened in a run, in order: thoughts, tool calls and what they did in sandboxes, model calls, files, endings.",
    )
    .addHelpText(
      "after",
      `
What is indented happened inside the tool call or exec above it.

Examples:
  sandglass runs show run_…
  sandglass runs show run_… --json | jq '.run.models'`,
    )
    .action(async (runId: string, options: ConnectionOptions) => {
      const client = clientOf(options);
      const run = await client.runs.get(runId);
      const events: RuntimeEvent[] = [];
      for await (const event of client.events({ runId, signal: terminal.interruption })) {
        if (event.type !== "gap") events.push(event);
      }
      if (options.json) return terminal.print(printableJson({ run, events }, 2));
      await terminal.print(runStory(run, events, terminal.colors, terminal.columns));
    });
}
