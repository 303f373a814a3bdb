import type { ExporterInfo } from "@sandglass/protocol";
import type { RuntimeApi } from "@sandglass/runtime";
import type { LogStats } from "@sandglass/telemetry";
import type { StoreState } from "../../store/messages.ts";
import type { Observation } from "../component-spec.ts";

/** Events that the store may be behind before that is worth a word. */
const STORE_LAG_EVENTS = 20_000;

const WELL: Observation = { status: "operational" };

/** Slow creates are no outage: without a pool every one is booted for its caller. */
export function lookAtPool({ pool }: ReturnType<RuntimeApi["stats"]>): Observation {
  const wanted = Object.entries(pool).filter(([, { target }]) => target > 0);
  const empty = wanted.filter(([, { ready }]) => ready === 0).map(([template]) => template);
  if (empty.length === 0) return WELL;
  return { status: "degraded_performance", reason: `none is ready: ${empty.join(", ")}` };
}

/** What it looks like from outside when nothing can be appended: between two looks there were errors, and nothing else. */
export function logProbe(stats: () => LogStats): () => Observation {
  let before = stats();
  return () => {
    const now = stats();
    const errors = now.writeErrors + now.syncErrors - before.writeErrors - before.syncErrors;
    const appended = now.appended - before.appended;
    before = now;
    if (errors === 0) return WELL;
    const reason = `${errors} errors of writing`;
    return { status: appended === 0 ? "major_outage" : "partial_outage", reason };
  };
}

export function lookAtStore({ lag, sizeBytes }: StoreState & { lag: number }): Observation {
  if (sizeBytes === 0) return { status: "partial_outage", reason: "it is not open" };
  if (lag <= STORE_LAG_EVENTS) return WELL;
  return { status: "degraded_performance", reason: `${lag} events behind` };
}

/** What its destination has not got yet is on disk: a stalled exporter is late, a disabled one is out. */
export function lookAtExporter(info: ExporterInfo | undefined): Observation {
  const states = [info?.state, info?.telemetry?.state];
  if (states.includes("disabled")) return { status: "major_outage", reason: "it is disabled" };
  if (states.includes("stalled")) return { status: "partial_outage", reason: "it has stalled" };
  return WELL;
}
