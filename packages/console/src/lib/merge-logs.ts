import type { LogEntry } from "@sandglass/protocol";

/** Log records of both, each once, newest first: as the store lists them. */
export function mergeLogs(some: readonly LogEntry[], others: readonly LogEntry[]): readonly LogEntry[] {
  if (some.length === 0) return others;
  const all = new Map([...some, ...others].map((entry) => [entry.id, entry]));
  return [...all.values()].sort(byNewest);
}

/** Their timestamps are of one length: microseconds, UTC. */
function byNewest(a: LogEntry, b: LogEntry): number {
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp ? 1 : -1;
  return numberOf(b) - numberOf(a);
}

function numberOf({ id }: LogEntry): number {
  return Number(id.slice("log_".length));
}
