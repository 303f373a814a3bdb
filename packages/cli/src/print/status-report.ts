import type { ComponentStatus, IncidentInfo, MaintenanceInfo, StatusReport } from "sandglass";
import type { Colors } from "../terminal.ts";
import { age } from "./duration.ts";
import { printable } from "./printable.ts";
import { table } from "./table.ts";

/** How the service is: a line in words, a table of components, what is open. */
export function statusReport(report: StatusReport, colors: Colors): string {
  const { description, indicator, components, incidents, maintenances } = report;
  const paint = indicator === "none" ? colors.green : indicator === "minor" ? colors.yellow : colors.red;
  const rows = components.map(({ id, name, status, since, uptime, latencyMs, reason }) => [
    id,
    name,
    stateWord(status, colors),
    age(since),
    uptime === undefined ? "" : `${(Math.floor(uptime * 100_000) / 1000).toFixed(3)} %`,
    latencyMs === undefined ? "" : `${Math.round(latencyMs)} ms`,
    reason ?? "",
  ]);
  return [
    colors.bold(paint(printable(description))),
    table(["COMPONENT", "NAME", "STATUS", "SINCE", "UPTIME 90D", "TOOK", "WHY"], rows, colors),
    ...(incidents.length === 0 ? [] : ["", colors.bold("Incidents"), incidentTable(incidents, colors)]),
    ...(maintenances.length === 0
      ? []
      : ["", colors.bold("Maintenance"), maintenanceTable(maintenances, colors)]),
  ].join("\n");
}

export function incidentTable(incidents: readonly IncidentInfo[], colors: Colors): string {
  const rows = incidents.map(({ id, title, status, impact, components, openedAt, updates }) => [
    id,
    status,
    impact,
    age(openedAt),
    Object.keys(components).join(" "),
    title,
    updates[0] === undefined ? "" : (updates[0].message.split("\n")[0] ?? ""),
  ]);
  return table(["INCIDENT", "STATUS", "IMPACT", "AGE", "COMPONENTS", "TITLE", "LAST UPDATE"], rows, colors);
}

export function maintenanceTable(maintenances: readonly MaintenanceInfo[], colors: Colors): string {
  const rows = maintenances.map(({ id, title, status, components, startsAt, endsAt }) => [
    id,
    status,
    startsAt,
    endsAt,
    components.join(" "),
    title,
  ]);
  return table(["MAINTENANCE", "STATUS", "FROM", "TO", "COMPONENTS", "TITLE"], rows, colors);
}

function stateWord(status: ComponentStatus, colors: Colors): string {
  const words = status.replaceAll("_", " ");
  if (status === "operational") return colors.green(words);
  return status.endsWith("outage") ? colors.red(words) : colors.yellow(words);
}
