import { Command, InvalidArgumentError } from "commander";
import type { ListTracesOptions } from "sandglass";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { lastTraces } from "../last-traces.ts";
import { parseMilliseconds } from "../option-values.ts";
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
  all?: boolean;
}

/** `sandglass traces`: what happened last, a trace a line. */
export function tracesCommand(terminal: Terminal): Command {
  return withConnection(new Command("traces").summary("list traces, newest first"))
    .description(
      "List traces, newest first, with what each was about. Requests that only read, as of probes and of this command, are left out. " +
        "`sandglass trace ID` shows one.",
    )
    .option(
      "-a, --all",
      "those too that are nothing but one request that read something; implied by --attribute",
    )
    .option("--error", "with a failed span only")
    .option("--sandbox <id>", "that this sandbox took part in")
    .option("--run <id>", "of this run")
    .option(
      "--min-duration <duration>",
      "that took at least this long, e.g. 200ms or 1.5s; a plain number is ms",
      parseMilliseconds,
    )
    .option("--attribute <name=value...>", "with a span that has it; of several, all")
    .option("-n, --limit <count>", "at most this many, up to 1000", parseLimit, 20)
    .addHelpText(
      "after",
      `
Examples:
  sandglass traces --error
  sandglass traces --run run_… --min-duration 1.5s
  sandglass traces --attribute user.id=42 --json | jq '.[].traceId'`,
    )
    .action(async (options: TracesOptions) => {
      const { error, sandbox, run, minDuration, attribute, limit, all } = options;
      const filter: ListTracesOptions = {
        ...(error && { error }),
        ...(sandbox !== undefined && { sandboxId: sandbox }),
        ...(run !== undefined && { runId: run }),
        ...(minDuration !== undefined && { minDurationMs: minDuration }),
        ...(attribute !== undefined && { attribute }),
      };
      const client = clientOf(options);
      const { traces, isCut } =
        all || attribute !== undefined
          ? { traces: (await client.traces.list({ ...filter, limit })).items, isCut: false }
          : await lastTraces(client, limit, filter);
      await terminal.print(options.json ? printableJson(traces, 2) : traceTable(traces, terminal.colors));
      if (isCut)
        await terminal.note(
          terminal.errorColors.dim(
            "most only read: older ones were not looked through, --all lists every one",
          ),
        );
    });
}

function parseLimit(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > 1_000) throw new InvalidArgumentError("Use a whole number from 1 to 1000.");
  return limit;
}
