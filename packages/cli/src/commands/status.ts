import { writeFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { makeDirectory } from "@sandglass/server/make-directory";
import { Command } from "commander";
import type { ComponentStatus, StatusReport } from "sandglass";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { exitWith } from "../exec-output.ts";
import { EXIT, UsageError } from "../exit-codes.ts";
import { printableJson } from "../print/printable.ts";
import { statusReport } from "../print/status-report.ts";
import type { Terminal } from "../terminal.ts";

/** `sandglass status [show|export]`. */
export function statusCommand(terminal: Terminal): Command {
  const status = new Command("status")
    .summary("how the service is, as its status page says")
    .description("How the service is. Without a command: components, open incidents, maintenance.")
    .addHelpText(
      "after",
      "\nExamples:\n  sandglass status\n  sandglass status export ./public --base-url https://status.example.com",
    );
  status.addCommand(showCommand(terminal), { isDefault: true });
  status.addCommand(exportCommand(terminal));
  return status;
}

function showCommand(terminal: Terminal): Command {
  return withConnection(new Command("show").summary("print components, incidents and maintenance"))
    .argument("[component]", "only this one, by its id, and what is said of it")
    .addHelpText(
      "after",
      `
Exits with 1 where something is out, so that a script can ask.

Examples:
  sandglass status
  sandglass status template-python
  sandglass status --json | jq '.components[] | select(.status != "operational")'`,
    )
    .action(async (component: string | undefined, options: ConnectionOptions) => {
      const whole = await clientOf(options).status.get();
      const report = component === undefined ? whole : aboutOne(whole, component);
      await terminal.print(options.json ? printableJson(report, 2) : statusReport(report, terminal.colors));
      const isWell = ["none", "maintenance", "minor"].includes(report.indicator);
      exitWith(isWell ? EXIT.ok : EXIT.failure);
    });
}

/** How much of the whole each state of a component would be, were it all there is. */
const INDICATORS = {
  operational: "none",
  degraded_performance: "minor",
  partial_outage: "major",
  major_outage: "critical",
  under_maintenance: "maintenance",
} as const satisfies Record<ComponentStatus, StatusReport["indicator"]>;

function aboutOne(report: StatusReport, id: string): StatusReport {
  const component = report.components.find((each) => each.id === id);
  if (component === undefined) {
    const ids = report.components.map((each) => each.id).join(", ");
    throw new UsageError(`there is no component "${id}"; components are ${ids}`);
  }
  return {
    ...report,
    description: `${component.name}: ${component.status.replaceAll("_", " ")}`,
    indicator: INDICATORS[component.status],
    components: [component],
    incidents: report.incidents.filter(({ components }) => id in components),
    maintenances: report.maintenances.filter(({ components }) => components.includes(id)),
  };
}

function exportCommand(terminal: Terminal): Command {
  return withConnection(new Command("export").summary("write the public pages as files for another host"))
    .description(
      "Write the public status pages, feeds and JSON into a directory that any web server can serve. What is there already is overwritten.",
    )
    .argument("<directory>", "made where it is not there")
    .option("--base-url <url>", "where the files will be; without it there are no feeds, which need it")
    .addHelpText(
      "after",
      `
Examples:
  sandglass status export ./public --base-url https://status.example.com
  * * * * * sandglass status export /srv/status && rsync -a /srv/status/ web:/srv/status/`,
    )
    .action(async (directory: string, options: ConnectionOptions & { baseUrl?: string }) => {
      const files = await clientOf(options).status.export(options.baseUrl);
      for (const { path, content } of files) {
        const inside = normalize(path);
        if (inside.startsWith("..") || inside.startsWith("/"))
          throw new UsageError("the daemon named a file outside the directory");
        await makeDirectory(dirname(join(directory, inside)));
        await writeFile(join(directory, inside), content);
      }
      if (options.json)
        return terminal.print(
          printableJson(
            files.map(({ path }) => path),
            2,
          ),
        );
      await terminal.print(`${files.length} files in ${directory}`);
    });
}
