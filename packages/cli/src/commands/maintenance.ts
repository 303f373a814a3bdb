import { Command } from "commander";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { UsageError } from "../exit-codes.ts";
import { forEach } from "../for-each.ts";
import { inOptions, type OptionNames } from "../option-names.ts";
import { collectList, parseDuration } from "../option-values.ts";
import { printableJson } from "../print/printable.ts";
import { maintenanceTable } from "../print/status-report.ts";
import type { Terminal } from "../terminal.ts";

interface ScheduleOptions extends ConnectionOptions {
  message: string;
  component: string[];
  start: string;
  for: number;
}

/** What they are called in the request. */
const SCHEDULE_OPTION_NAMES: OptionNames = {
  title: "the title",
  message: "--message",
  components: "--component",
  startsAt: "--start",
  endsAt: "the end, --start with --for behind it,",
};

/** `sandglass maintenance schedule|list|cancel`. */
export function maintenanceCommand(terminal: Terminal): Command {
  const maintenance = new Command("maintenance")
    .summary("schedule maintenance on the status page")
    .description("Scheduled maintenance on the status page. It begins and ends by itself.");
  for (const make of [scheduleCommand, listCommand, cancelCommand]) maintenance.addCommand(make(terminal));
  return maintenance;
}

function scheduleCommand(terminal: Terminal): Command {
  return withConnection(new Command("schedule").summary("announce it; prints its id"))
    .argument("<title>", "one line")
    .requiredOption("-m, --message <text>", "what people read")
    .requiredOption("-c, --component <id>", "what it concerns; again and again, or with commas", collectList)
    .requiredOption("--start <time>", "now, or a time in ISO 8601: 2030-01-31T22:00:00Z")
    .requiredOption("--for <duration>", "how long it takes: 30m, 2h", parseDuration)
    .addHelpText(
      "after",
      `
Time under maintenance counts neither as up nor as down, and opens no incident.

Examples:
  sandglass maintenance schedule "Kernel upgrade" --message "We restart the host." \\
    --component api,template-python --start 2030-01-31T22:00:00Z --for 1h`,
    )
    .action(async (title: string, options: ScheduleOptions) => {
      const { message, component, start } = options;
      const from = start === "now" ? Date.now() : Date.parse(start);
      if (Number.isNaN(from))
        throw new UsageError("--start is neither now nor a time like 2030-01-31T22:00:00Z");
      const scheduling = clientOf(options).status.scheduleMaintenance({
        title,
        message,
        components: component,
        startsAt: new Date(from).toISOString(),
        endsAt: new Date(from + options.for).toISOString(),
      });
      const scheduled = await inOptions(SCHEDULE_OPTION_NAMES, scheduling);
      await terminal.print(options.json ? printableJson(scheduled, 2) : scheduled.id);
    });
}

function listCommand(terminal: Terminal): Command {
  return withConnection(new Command("list").alias("ls").summary("list maintenance, the latest first"))
    .option("--open", "only what is planned or under way")
    .addHelpText("after", "\nExamples:\n  sandglass maintenance list --open")
    .action(async (options: ConnectionOptions & { open?: boolean }) => {
      const items = await clientOf(options).status.maintenances({ open: options.open ?? false });
      if (options.json) return terminal.print(printableJson(items, 2));
      await terminal.print(maintenanceTable(items, terminal.colors));
    });
}

function cancelCommand(terminal: Terminal): Command {
  return withConnection(new Command("cancel").summary("cancel what has not begun, complete what has"))
    .argument("<maintenance...>", "their ids, mnt_…")
    .addHelpText("after", "\nExamples:\n  sandglass maintenance cancel mnt_…")
    .action(async (ids: string[], options: ConnectionOptions) => {
      const { status } = clientOf(options);
      const end = async (id: string): Promise<void> => {
        await status.endMaintenance(id);
        if (!options.json) await terminal.print(id);
      };
      await forEach(ids, terminal, options.json ?? false, end, async (ended) => {
        if (options.json) await terminal.print(printableJson({ ended }, 2));
      });
    });
}
