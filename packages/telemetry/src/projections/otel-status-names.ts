import type { StatusEventDataMap, StatusEventType } from "@sandglass/protocol";

const INCIDENT = {
  incidentId: "sandglass.incident.id",
  title: "sandglass.incident.title",
  impact: "sandglass.incident.impact",
  status: "sandglass.incident.status",
  components: "sandglass.status.components",
  message: "sandglass.incident.message",
} as const;
const MAINTENANCE = {
  maintenanceId: "sandglass.maintenance.id",
  title: "sandglass.maintenance.title",
  components: "sandglass.status.components",
  startsAt: "sandglass.maintenance.starts_at",
  endsAt: "sandglass.maintenance.ends_at",
} as const;

/** Attributes of what the status page says. */
export const STATUS_FIELD_NAMES: {
  readonly [T in StatusEventType]: { readonly [Field in keyof StatusEventDataMap[T]]?: string };
} = {
  "status.changed": {
    component: "sandglass.status.component",
    name: "sandglass.status.component_name",
    from: "sandglass.status.from",
    to: "sandglass.status.to",
    reason: "sandglass.status.reason",
  },
  "incident.opened": { ...INCIDENT, automatic: "sandglass.incident.automatic" },
  "incident.updated": INCIDENT,
  "incident.resolved": INCIDENT,
  "maintenance.scheduled": { ...MAINTENANCE, message: "sandglass.maintenance.message" },
  "maintenance.started": MAINTENANCE,
  "maintenance.completed": MAINTENANCE,
  "maintenance.cancelled": MAINTENANCE,
};
