import type { DurableLog } from "../log/durable-log.ts";
import { readerName } from "./managed-exporter.ts";

/** Nothing is kept in the log for exporters that are not there any more. */
export function detachStrangers(log: DurableLog, ids: Iterable<string>): void {
  const ours = new Set([...ids].map(readerName));
  for (const { name } of log.stats().readers) {
    if (name.startsWith(readerName("")) && !ours.has(name)) log.detachReader(name);
  }
}
