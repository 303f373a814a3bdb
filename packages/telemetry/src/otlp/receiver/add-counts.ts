import type { TenantCounts } from "./tenant.ts";

/** Adds what is counted to a sum. */
export function addCounts(total: TenantCounts, counts: Readonly<TenantCounts>): void {
  total.requests += counts.requests;
  total.bytes += counts.bytes;
  total.spans += counts.spans;
  total.logRecords += counts.logRecords;
  total.dataPoints += counts.dataPoints;
  addEach(total.refused, counts.refused);
  addEach(total.rejectedItems, counts.rejectedItems);
  addEach(total.refusedItems, counts.refusedItems);
  addEach(total.failedItems, counts.failedItems);
  addEach(total.unqueuedItems, counts.unqueuedItems);
}

/** The same of counts by name. */
export function addEach(total: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
}
