import type { ExporterInfo, TelemetryDelivery } from "sandglass";
import type { Colors } from "../terminal.ts";
import { age, duration } from "./duration.ts";
import { printable, shortened } from "./printable.ts";
import { table } from "./table.ts";

const ERROR_WIDTH = 60;

/** All exporters, a line each. */
export function exporterTable(exporters: readonly ExporterInfo[], colors: Colors): string {
  const headings = ["EXPORTER", "PROVIDER", "STATE", "DELIVERED", "WAITING", "DROPPED", "LAG", "LAST ERROR"];
  const rows = exporters.flatMap(({ id, provider, telemetry, ...delivery }) => [
    rowOf(id, provider, delivery),
    ...(telemetry === undefined ? [] : [rowOf(`${id}.telemetry`, provider, telemetry)]),
  ]);
  return table(headings, rows, colors);
}

/** Everything about one, a line each; what it passes on of sandboxes and agents below, counted in requests. */
export function exporterDetails(exporter: ExporterInfo, colors: Colors): string {
  const { telemetry, filterErrors } = exporter;
  const lines: Line[] = [
    ["exporter", exporter.id],
    ["provider", exporter.provider],
    ["destination", exporter.destination],
    ["from", exporter.origin === "config" ? "the daemon's configuration" : "the API"],
    ...deliveryLines(exporter),
    ["filter errors", filterErrors === 0 ? undefined : String(filterErrors)],
    ...(telemetry === undefined
      ? []
      : deliveryLines(telemetry).map(([name, value]): Line => [`telemetry ${name}`, value])),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value = ""]) => `${colors.bold(name.padEnd(width))}  ${printable(value)}`)
    .join("\n");
}

type Line = [name: string, value: string | undefined];

function deliveryLines(delivery: TelemetryDelivery): Line[] {
  const { state, counts, failedAttempts, lastError, lastDeliveryAt, stalledSince, deadLetterFile } = delivery;
  const reasons = Object.entries(counts.dropped).map(([reason, count]) => `${count} ${reason}`);
  return [
    ["state", stalledSince === undefined ? state : `${state} for ${age(stalledSince)}`],
    ["accepted", String(counts.accepted)],
    ["delivered", String(counts.delivered)],
    ["filtered", String(counts.filtered)],
    ["queued", String(counts.queued)],
    ["in flight", String(counts.inFlight)],
    ["dropped", reasons.length === 0 ? "0" : reasons.join(", ")],
    ["lag", lagOf(delivery) || "none"],
    ["failed attempts", String(failedAttempts)],
    ["last delivery", lastDeliveryAt === undefined ? undefined : `${age(lastDeliveryAt)} ago`],
    ["last error", lastError === undefined ? undefined : `${age(lastError.at)} ago: ${lastError.message}`],
    ["dead letters", deadLetterFile],
  ];
}

function rowOf(id: string, provider: string, delivery: TelemetryDelivery): string[] {
  const { state, counts, lastError } = delivery;
  return [
    id,
    provider,
    state,
    String(counts.delivered),
    String(counts.queued + counts.inFlight),
    String(droppedOf(delivery)),
    lagOf(delivery),
    lastError === undefined ? "" : `${age(lastError.at)} ago: ${shortened(lastError.message, ERROR_WIDTH)}`,
  ];
}

function droppedOf({ counts }: TelemetryDelivery): number {
  return Object.values(counts.dropped).reduce((sum, count) => sum + count, 0);
}

function lagOf({ lagMs }: TelemetryDelivery): string {
  return lagMs === 0 ? "" : duration(lagMs);
}
