import type { ExporterInfo } from "@sandglass/protocol";

type Counted = Pick<ExporterInfo, "counts" | "telemetry">;

/** What the destination would not take, which is kept as dead letters: events, and requests of telemetry. */
export function refusedBy({ counts, telemetry }: Counted): number {
  return (counts.dropped.rejected ?? 0) + (telemetry?.counts.dropped.rejected ?? 0);
}

/** What was gone before it could be delivered. Healthy is 0. */
export function lostBy(exporter: Counted): number {
  const dropped = [exporter.counts, exporter.telemetry?.counts].flatMap((counts) =>
    Object.values(counts?.dropped ?? {}),
  );
  return dropped.reduce((sum, each) => sum + each, 0) - refusedBy(exporter);
}
