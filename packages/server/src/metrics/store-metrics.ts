import type { Store } from "../store/store.ts";
import { counter, type Family, gauge, one } from "./family.ts";

export type StoreStats = ReturnType<Store["state"]>;

/** @param maxBytes size of the store before its oldest records go */
export function storeFamilies(stats: StoreStats, maxBytes: number): Family[] {
  return [
    gauge("sandglass.store.bytes", "By", "Size of the store on disk.", one(stats.sizeBytes)),
    gauge("sandglass.store.capacity", "By", "Size of the store before its oldest records go.", one(maxBytes)),
    gauge("sandglass.store.lag_events", "{event}", "Events that are not in the store yet.", one(stats.lag)),
    counter(
      "sandglass.store.expired_records",
      "{record}",
      "Events, spans and log records that went by age or size.",
      one(stats.expired),
    ),
    counter(
      "sandglass.store.skipped_records",
      "{record}",
      "Records that could not be understood; healthy is 0.",
      one(stats.skipped),
    ),
  ];
}
