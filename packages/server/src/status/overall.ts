import type { ComponentStatus, StatusReport } from "@sandglass/protocol";

/** All components in one word, as Statuspage has them. */
export interface Overall {
  indicator: StatusReport["indicator"];
  description: string;
}

/** One that is core is everything; so is all of the rest together. */
export function overallOf(components: readonly { status: ComponentStatus; isCore: boolean }[]): Overall {
  const has = (status: ComponentStatus) => components.some((component) => component.status === status);
  const isAllOut = components.length > 0 && components.every(({ status }) => status === "major_outage");
  if (isAllOut || components.some(({ status, isCore }) => isCore && status === "major_outage")) {
    return { indicator: "critical", description: "Major Service Outage" };
  }
  if (has("major_outage") || has("partial_outage")) {
    return { indicator: "major", description: "Partial System Outage" };
  }
  if (has("degraded_performance")) return { indicator: "minor", description: "Minor Service Outage" };
  if (has("under_maintenance")) return { indicator: "maintenance", description: "Service Under Maintenance" };
  return { indicator: "none", description: "All Systems Operational" };
}
