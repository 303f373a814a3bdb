import { Command, Option } from "commander";
import type { EventsOptions, Level } from "sandglass";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { connectionNotes } from "../connection-notes.ts";
import { collectList } from "../option-values.ts";
import { eventLine } from "../print/event-line.ts";
import { printableJson } from "../print/printable.ts";
import { endOfRecord } from "../record-end.ts";
import type { Terminal } from "../terminal.ts";

interface TailOptions extends ConnectionOptions {
  types?: string[];
  level?: Level;
  sandbox?: string;
  run?: string;
  trace?: string;
  sinceStart?: boolean;
  follow: boolean;
}

/** `sandglass tail`: events as they happen. */
export function tailCommand(terminal: Terminal): Command {
  return withConnection(new Command("tail").summary("watch events as they happen"))
    .description("Print events as they happen, one a line. Survives a restart of the daemon; Ctrl-C ends it.")
    .option("--types <patterns>", "e.g. exec.*,sandbox.* or !exec.streamed; again for more", collectList)
    .addOption(
      new Option("--level <level>", "this level and the more severe ones").choices([
        "debug",
        "info",
        "warn",
        "error",
      ]),
    )
    .option("--sandbox <id>", "of this sandbox alone")
    .option("--run <id>", "of this agent run alone")
    .option("--trace <id>", "of this trace alone")
    .option("--since-start", "from the beginning of what is kept, then on")
    .option("--no-follow", "with --since-start: end at the record's end")
    .addHelpText(
      "after",
      `
Examples:
  sandglass tail --types 'exec.*,sandbox.*'
  sandglass tail --level warn
  sandglass tail --since-start --no-follow --json | jq 'select(.data.exitCode != 0)'`,
    )
    .action(async (options: TailOptions) => {
      const signal = terminal.interruption;
      const after = options.sinceStart ? undefined : await endOfRecord(options, signal);
      const filter: EventsOptions = {
        follow: options.follow,
        signal,
        onConnection: connectionNotes(terminal, "events from where they broke off"),
        ...(options.types !== undefined && { types: options.types }),
        ...(options.level !== undefined && { minLevel: options.level }),
        ...(options.sandbox !== undefined && { sandboxId: options.sandbox }),
        ...(options.run !== undefined && { runId: options.run }),
        ...(options.trace !== undefined && { traceId: options.trace }),
        ...(after !== undefined && { after }),
      };
      for await (const event of clientOf(options).events(filter)) {
        const { colors, columns } = terminal;
        await terminal.print(options.json ? printableJson(event) : eventLine(event, colors, columns));
      }
    });
}
