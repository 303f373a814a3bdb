import { Command, Option } from "commander";
import type { ComponentStatus, IncidentImpact, IncidentInfo, IncidentStatus } from "sandglass";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { collectComponents } from "../option-values.ts";
import { printableJson } from "../print/printable.ts";
import { incidentTable } from "../print/status-report.ts";
import type { Terminal } from "../terminal.ts";

const STATUSES: readonly IncidentStatus[] = ["investigating", "identified", "monitoring", "resolved"];
const IMPACTS: readonly IncidentImpact[] = ["none", "minor", "major", "critical"];

interface WriteOptions extends ConnectionOptions {
  message: string;
  status?: IncidentStatus;
  impact?: IncidentImpact;
  component?: Record<string, ComponentStatus>;
}

/** `sandglass incident open|update|resolve|list`. */
export function incidentCommand(terminal: Terminal): Command {
  const incident = new Command("incident")
    .summary("write what the status page says of an incident")
    .description(
      "Incidents on the status page. Those that probes open resolve by themselves, until you write to one.",
    );
  for (const make of [openCommand, updateCommand, resolveCommand, listCommand])
    incident.addCommand(make(terminal));
  return incident;
}

function openCommand(terminal: Terminal): Command {
  return writing(new Command("open").summary("say that something is wrong; prints its id"))
    .argument("<title>", "one line")
    .addHelpText(
      "after",
      `
Examples:
  sandglass incident open "Slow starts" --message "We are looking into it." --component template-python=degraded_performance
  id=$(sandglass incident open "Backend away" --message "Exports are late." --impact minor)`,
    )
    .action(async (title: string, options: WriteOptions) => {
      const opened = await clientOf(options).status.openIncident({ title, ...bodyOf(options) });
      await show(opened, options, terminal);
    });
}

function updateCommand(terminal: Terminal): Command {
  return writing(new Command("update").summary("say how it goes on"))
    .argument("<incident>", "its id, inc_…")
    .addHelpText(
      "after",
      "\nExamples:\n  sandglass incident update inc_… --status identified --message 'The disk is full.'",
    )
    .action(async (id: string, options: WriteOptions) => {
      await show(await clientOf(options).status.updateIncident(id, bodyOf(options)), options, terminal);
    });
}

function resolveCommand(terminal: Terminal): Command {
  return withConnection(new Command("resolve").summary("say that it is over"))
    .argument("<incident>", "its id, inc_…")
    .option("-m, --message <text>", "what people read", "This incident is resolved.")
    .addHelpText("after", "\nExamples:\n  sandglass incident resolve inc_… --message 'There is room again.'")
    .action(async (id: string, options: ConnectionOptions & { message: string }) => {
      const { message } = options;
      const resolved = await clientOf(options).status.updateIncident(id, { message, status: "resolved" });
      await show(resolved, options, terminal);
    });
}

function listCommand(terminal: Terminal): Command {
  return withConnection(new Command("list").alias("ls").summary("list incidents, newest first"))
    .option("--open", "only those that are not resolved")
    .addHelpText("after", "\nExamples:\n  sandglass incident list\n  sandglass incident list --open --json")
    .action(async (options: ConnectionOptions & { open?: boolean }) => {
      const items = await clientOf(options).status.incidents({ open: options.open ?? false });
      if (options.json) return terminal.print(printableJson(items, 2));
      await terminal.print(incidentTable(items, terminal.colors));
    });
}

function writing(command: Command): Command {
  return withConnection(command)
    .requiredOption("-m, --message <text>", "what people read")
    .addOption(new Option("--status <status>", "how far it is").choices([...STATUSES]))
    .addOption(new Option("--impact <impact>", "how bad it is").choices([...IMPACTS]))
    .option(
      "-c, --component <id=status>",
      "a component and what it is because of this, e.g. api=partial_outage; again and again",
      collectComponents,
    );
}

function bodyOf({ message, status, impact, component }: WriteOptions) {
  return {
    message,
    ...(status !== undefined && { status }),
    ...(impact !== undefined && { impact }),
    ...(component !== undefined && { components: component }),
  };
}

async function show(incident: IncidentInfo, options: ConnectionOptions, terminal: Terminal): Promise<void> {
  await terminal.print(options.json ? printableJson(incident, 2) : incident.id);
}
