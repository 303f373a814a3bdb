import { Command } from "commander";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { parseMilliseconds, parsePositive } from "../option-values.ts";
import { printableJson } from "../print/printable.ts";
import { traceTable } from "../print/trace-table.ts";
import type { Terminal } from "../terminal.ts";

interface TracesOptions extends ConnectionOptions {
  error?: boolean;
  sandbox?: string;
  run?: string;
  minDuration?: number;
  attribute?: string[];
  limit: number;
}

/** `sandglass traces`: what happened last, a trace a line. */
export function tracesCommand(terminal: Terminal): Command {
  return withConnection(new Command("traces").summary("list traces, newest first"))
    .description("List traces, newest first, with what each was about. `sandglass trace ID` shows one.")
    .option("--error", "with a failed span only")
    .option("--sandbox <id>", "that this sandbox took part in")
    .option("--run <id>", "of this run")
    .option(
      "--min-duration <duration>",
      "that took at least this long, e.g. 200ms or 1.5s; a plain number is ms",
      parseMilliseconds,
    )
    .option("--attribute <name=value...>", "with a span that has it; of several, all")
    .option("-n, --limit <count>", "at most this many, up to 1000", parsePositive, 20)
    .addHelpText(
      "after",
      `
Examples:
  sandglass traces --error
  sandglass traces --run run_… --min-duration 1.5s
  sandglass traces --attribute user.id=42 --json | jq '.[].traceId'`,
    )
    .action(async (options: TracesOptions) => {
      const { error, sandbox, run, minDuration, attribute, limit } = options;
      const { items } = await clientOf(options).traces.list({
        limit,
        ...(error && { error }),
        ...(sandbox !== undefined && { sandboxId: sandbox }),
        ...(run !== undefined && { runId: run }),
        ...(minDuration !== undefined && { minDurationMs: minDuration }),
        ...(attribute !== undefined && { attribute }),
      });
      if (options.json) return terminal.print(printableJson(items, 2));
      await terminal.print(traceTable(items, terminal.colors));
    });
}
