import type { RuntimeEvent, RuntimeEventOf } from "@sandglass/protocol";
import type { Point } from "./series.ts";

/** What became of one path, as far as the API did it. */
export interface FileChange {
  path: string;
  /** The last thing that was done to it. */
  last: "created" | "modified" | "read" | "deleted" | "error";
  writes: number;
  reads: number;
  sizeBytes?: number;
  at: string;
}

/** Files that were written, read or deleted, the last one first. */
export function fileChanges(events: readonly RuntimeEvent[]): FileChange[] {
  const files = new Map<string, FileChange>();
  for (const event of events) {
    if (!event.type.startsWith("file.")) continue;
    const data = event.data as { path?: string; sizeBytes?: number };
    const path = data.path ?? "(not recorded)";
    const file = files.get(path) ?? { path, last: "read", writes: 0, reads: 0, at: "" };
    file.last = event.type.slice("file.".length) as FileChange["last"];
    file.at = event.timestamp;
    if (event.type === "file.created" || event.type === "file.modified") file.writes++;
    if (event.type === "file.read") file.reads++;
    if (data.sizeBytes !== undefined) file.sizeBytes = data.sizeBytes;
    files.delete(path);
    files.set(path, file);
  }
  return [...files.values()].reverse();
}

export type EgressEvent = RuntimeEventOf<"network.egress"> | RuntimeEventOf<"network.denied">;

/** What was let out and what was not, the last one first. */
export function egressOf(events: readonly RuntimeEvent[]): EgressEvent[] {
  return events
    .filter(
      (event): event is EgressEvent => event.type === "network.egress" || event.type === "network.denied",
    )
    .reverse();
}

export interface SampleSeries {
  cpu: Point[];
  memory: Point[];
  disk: Point[];
  pids: Point[];
}

/** What was measured of it over time: CPU as a share of its limit, bytes, processes. */
export function sampleSeries(events: readonly RuntimeEvent[]): SampleSeries {
  const series: SampleSeries = { cpu: [], memory: [], disk: [], pids: [] };
  for (const event of events) {
    if (event.type !== "resource.sample") continue;
    const at = Date.parse(event.timestamp);
    series.cpu.push([at, event.data.cpuUtilization]);
    series.memory.push([at, event.data.memoryUsageBytes]);
    series.disk.push([at, event.data.diskUsageBytes]);
    series.pids.push([at, event.data.pids]);
  }
  return series;
}
