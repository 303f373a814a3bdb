import type { ExporterInfo } from "@sandglass/protocol";
import { useEffect, useRef, useState } from "react";
import type { Point } from "../lib/series.ts";

/** Five minutes at one look in two seconds. */
const MAX_POINTS = 150;

/** Events a second that each exporter delivered, from one look to the next, as long as the page is open. */
export function useThroughput(
  items: readonly ExporterInfo[] | undefined,
): ReadonlyMap<string, readonly Point[]> {
  const [rates, setRates] = useState<ReadonlyMap<string, readonly Point[]>>(new Map());
  const before = useRef(new Map<string, { at: number; delivered: number }>());
  useEffect(() => {
    if (items === undefined) return;
    const at = Date.now();
    setRates((known) => {
      const next = new Map(known);
      for (const { id, counts } of items) {
        const last = before.current.get(id);
        if (last === undefined || at <= last.at) continue;
        const rate = Math.max(0, ((counts.delivered - last.delivered) * 1000) / (at - last.at));
        next.set(id, [...(known.get(id) ?? []), [at, rate] as const].slice(-MAX_POINTS));
      }
      return next;
    });
    before.current = new Map(items.map(({ id, counts }) => [id, { at, delivered: counts.delivered }]));
  }, [items]);
  return rates;
}
