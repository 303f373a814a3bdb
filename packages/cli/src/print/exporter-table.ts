import type { ExporterInfo } from "sandglass";
import type { Colors } from "../terminal.ts";
import { age, duration } from "./duration.ts";
import { printable, shortened } from "./printable.ts";
import { table } from "./table.ts";

const ERROR_WIDTH = 60;

/** All exporters, a line each. */
export function exporterTable(exporters: readonly ExporterInfo[], colors: Colors): string {
  const headings = ["EXPORTER", "PROVIDER", "STATE", "DELIVERED", "WAITING", "DROPPED", "LAG", "LAST ERROR"];
  const rows = exporters.map((exporter) => {
    const { id, provider, state, counts, lastError } = exporter;
    return [
      id,
      provider,
      state,
      String(counts.delivered),
      String(counts.queued + counts.inFlight),
      String(droppedOf(exporter)),
      lagOf(exporter),
      lastError === undefined ? "" : `${age(lastError.at)} ago: ${shortened(lastError.message, ERROR_WIDTH)}`,
    ];
  });
  return table(headings, rows, colors);
}

/** Everything about one, a line each. */
export function exporterDetails(exporter: ExporterInfo, colors: Colors): string {
  const { counts, lastError, lastDeliveryAt, stalledSince, deadLetterFile, filterErrors } = exporter;
  const reasons = Object.entries(counts.dropped).map(([reason, count]) => `${count} ${reason}`);
  const lines: [name: string, value: string | undefined][] = [
    ["exporter", exporter.id],
    ["provider", exporter.provider],
    ["destination", exporter.destination],
    ["state", stalledSince === undefined ? exporter.state : `${exporter.state} for ${age(stalledSince)}`],
    ["from", exporter.origin === "config" ? "the daemon's configuration" : "the API"],
    ["accepted", String(counts.accepted)],
    ["delivered", String(counts.delivered)],
    ["filtered", String(counts.filtered)],
    ["queued", String(counts.queued)],
    ["in flight", String(counts.inFlight)],
    ["dropped", reasons.length === 0 ? "0" : reasons.join(", ")],
    ["lag", lagOf(exporter) || "none"],
    ["failed attempts", String(exporter.failedAttempts)],
    ["filter errors", filterErrors === 0 ? undefined : String(filterErrors)],
    ["last delivery", lastDeliveryAt === undefined ? undefined : `${age(lastDeliveryAt)} ago`],
    ["last error", lastError === undefined ? undefined : `${age(lastError.at)} ago: ${lastError.message}`],
    ["dead letters", deadLetterFile],
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value = ""]) => `${colors.bold(name.padEnd(width))}  ${printable(value)}`)
    .join("\n");
}

function droppedOf({ counts }: ExporterInfo): number {
  return Object.values(counts.dropped).reduce((sum, count) => sum + count, 0);
}

function lagOf({ lagMs }: ExporterInfo): string {
  return lagMs === 0 ? "" : duration(lagMs);
}
