import type { OtlpStatusCheck } from "../../config/status-schema.ts";
import type { Store } from "../../store/store.ts";
import { type Probe, slug } from "../component-spec.ts";

/** A check of the operator's own: whether telemetry of a service has come lately. */
export function otlpCheckProbe(check: OtlpStatusCheck, store: Store): Omit<Probe, "isPublic"> {
  const { name, service, attribute, org, withinMs, intervalMs } = check;
  return {
    ...{ id: `check-${slug(name)}`, name, group: "Checks", isCore: false, intervalMs, timeoutMs: 10_000 },
    async look(signal) {
      const since = new Date(Date.now() - withinMs).toISOString();
      const isThere = await store.ask("hasTelemetry", { orgId: org, service, attribute, since }, signal);
      if (isThere) return { status: "operational" };
      return { status: "major_outage", reason: `nothing came within ${Math.round(withinMs / 1000)} s` };
    },
  };
}
