import type { SandboxTelemetry } from "@sandglass/protocol";
import { bytes, count } from "./format.ts";

/** What a sandbox sent, and what of it was not taken and why, what there is most of first. */
export function telemetryWords(telemetry: SandboxTelemetry): string {
  const { acceptedItems, acceptedBytes, refusedRequests, rejectedItems } = telemetry;
  return [
    `${count(acceptedItems)} items taken, ${bytes(acceptedBytes)}`,
    ...byReason(refusedRequests, "requests refused"),
    ...byReason(rejectedItems, "items left out"),
  ].join("; ");
}

function byReason(counts: Readonly<Record<string, number>>, words: string): string[] {
  const reasons = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return reasons.map(([reason, n]) => `${count(n)} ${words} (${reason.replaceAll("_", " ")})`);
}
