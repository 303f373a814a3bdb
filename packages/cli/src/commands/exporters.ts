import { Command } from "commander";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { exitWith } from "../exec-output.ts";
import { EXIT } from "../exit-codes.ts";
import { readSpec } from "../exporter-spec-file.ts";
import { parseDuration } from "../option-values.ts";
import { exporterDetails, exporterTable } from "../print/exporter-table.ts";
import { printableJson } from "../print/printable.ts";
import { withSpinner } from "../print/spinner.ts";
import type { Terminal } from "../terminal.ts";
import { deadLettersCommand } from "./dead-letters.ts";

/** `sandglass exporters [list|show|dead-letters|add|replace|rm|retry|flush]`. */
export function exportersCommand(terminal: Terminal): Command {
  const exporters = new Command("exporters")
    .summary("show and change where events are delivered to")
    .description("Where the daemon delivers events to. Without a command: the list.")
    .addHelpText(
      "after",
      "\nExamples:\n  sandglass exporters\n  sandglass exporters add --file axiom.json\n  sandglass exporters flush",
    );
  exporters.addCommand(listCommand(terminal), { isDefault: true });
  for (const make of [
    showCommand,
    deadLettersCommand,
    addCommand,
    replaceCommand,
    rmCommand,
    retryCommand,
    flushCommand,
  ])
    exporters.addCommand(make(terminal));
  return exporters;
}

function listCommand(terminal: Terminal): Command {
  return withConnection(new Command("list").alias("ls").summary("list exporters with what they have done"))
    .addHelpText(
      "after",
      `
WAITING counts events in the log that are not delivered yet: a destination that is away
costs nothing but disk. DROPPED should be 0.

Examples:
  sandglass exporters
  sandglass exporters --json | jq '.[] | select(.state != "running")'`,
    )
    .action(async (options: ConnectionOptions) => {
      const items = await clientOf(options).exporters.list();
      if (options.json) return terminal.print(printableJson(items, 2));
      await terminal.print(exporterTable(items, terminal.colors));
    });
}

function showCommand(terminal: Terminal): Command {
  return withConnection(new Command("show").summary("say everything about one"))
    .argument("<exporter>", "its id")
    .addHelpText("after", "\nExamples:\n  sandglass exporters show axiom")
    .action(async (id: string, options: ConnectionOptions) => {
      const exporter = await clientOf(options).exporters.get(id);
      if (options.json) return terminal.print(printableJson(exporter, 2));
      await terminal.print(exporterDetails(exporter, terminal.colors));
    });
}

const FILE_HELP = "JSON of it; - is stdin. Not an argument, which other users of the machine could read";

function addCommand(terminal: Terminal): Command {
  return withConnection(new Command("add").summary("deliver to one more destination"))
    .description("Add an exporter. The daemon keeps it across restarts. Prints its id.")
    .requiredOption("--file <path>", FILE_HELP)
    .addHelpText(
      "after",
      `
Examples:
  sandglass exporters add --file axiom.json
  echo '{"provider": "jsonl", "config": {"filePath": "/var/log/events.jsonl"}}' |
    sandglass exporters add --file -`,
    )
    .action(async (options: ConnectionOptions & { file: string }) => {
      const spec = await readSpec(options.file, terminal);
      const added = await clientOf(options).exporters.add(spec);
      if (options.json) return terminal.print(printableJson(added, 2));
      await terminal.print(added.id);
      await terminal.note(terminal.errorColors.dim(`delivers to ${added.destination}`));
    });
}

function replaceCommand(terminal: Terminal): Command {
  return withConnection(new Command("replace").summary("configure one anew"))
    .description("Configure an exporter anew. It continues where it was: nothing is lost or sent twice.")
    .argument("<exporter>", "its id")
    .requiredOption("--file <path>", FILE_HELP)
    .addHelpText("after", "\nExamples:\n  sandglass exporters replace axiom --file axiom.json")
    .action(async (id: string, options: ConnectionOptions & { file: string }) => {
      const spec = await readSpec(options.file, terminal);
      const replaced = await clientOf(options).exporters.replace(id, spec);
      await terminal.print(options.json ? printableJson(replaced, 2) : replaced.id);
    });
}

function rmCommand(terminal: Terminal): Command {
  return withConnection(new Command("rm").summary("end exporters"))
    .description(
      "End exporters. One that is added again under its id continues where it was, with --forget anew.",
    )
    .argument("<exporter...>", "their ids")
    .option("--forget", "also its place in the record")
    .addHelpText(
      "after",
      "\nExamples:\n  sandglass exporters rm axiom\n  sandglass exporters rm axiom --forget",
    )
    .action(async (ids: string[], options: ConnectionOptions & { forget?: boolean }) => {
      const { exporters } = clientOf(options);
      for (const id of ids) await exporters.remove(id, { forget: options.forget ?? false });
      await terminal.print(options.json ? printableJson({ removed: ids }, 2) : ids.join("\n"));
    });
}

function retryCommand(terminal: Terminal): Command {
  return withConnection(new Command("retry").summary("try again now"))
    .description("Try to deliver now, whatever the backoff. Wakes an exporter that is disabled.")
    .argument("<exporter...>", "their ids")
    .addHelpText("after", "\nExamples:\n  sandglass exporters retry axiom")
    .action(async (ids: string[], options: ConnectionOptions) => {
      const { exporters } = clientOf(options);
      const tried = [];
      for (const id of ids) tried.push(await exporters.retry(id));
      await terminal.print(options.json ? printableJson(tried, 2) : ids.join("\n"));
    });
}

function flushCommand(terminal: Terminal): Command {
  return withConnection(new Command("flush").summary("wait until everything is delivered"))
    .description(
      "Wait until everything that has happened so far is delivered or given up. Exits with 1 where the time is over before.",
    )
    .argument("[exporter...]", "their ids; default all")
    .option("--timeout <duration>", "how long to wait at most (default: 30s)", parseDuration)
    .addHelpText(
      "after",
      `
Examples:
  sandglass exporters flush
  sandglass exporters flush axiom --timeout 5s`,
    )
    .action(async (ids: string[], options: ConnectionOptions & { timeout?: number }) => {
      const flushing = clientOf(options).exporters.flush({
        signal: terminal.interruption,
        ...(ids.length > 0 && { ids }),
        ...(options.timeout !== undefined && { timeoutMs: options.timeout }),
      });
      const result = await withSpinner(terminal, "delivering", flushing);
      const { delivered, dropped, pending } = result;
      if (options.json) await terminal.print(printableJson(result, 2));
      else await terminal.print(`${delivered} delivered, ${dropped} dropped, ${pending} pending`);
      exitWith(pending > 0 ? EXIT.failure : EXIT.ok);
    });
}
