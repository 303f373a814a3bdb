import type { StatusEventDataMap, StatusEventType } from "@sandglass/protocol";

const INCIDENT: StatusEventDataMap["incident.updated"] = {
  incidentId: "inc_1",
  title: "Sandboxes cannot be created",
  impact: "major",
  status: "investigating",
  components: ["template-python"],
  message: "We are looking into it.",
};
const MAINTENANCE: StatusEventDataMap["maintenance.started"] = {
  maintenanceId: "mnt_1",
  title: "New disks",
  components: ["template-python"],
  startsAt: "2026-04-18T22:00:00.000Z",
  endsAt: "2026-04-18T23:00:00.000Z",
};

/** Payloads of what the status page says, with every field. */
export const FULL_STATUS_DATA: { readonly [T in StatusEventType]: Required<StatusEventDataMap[T]> } = {
  "status.changed": {
    component: "template-python",
    name: "python",
    from: "operational",
    to: "major_outage",
    reason: "DRIVER_ERROR",
  },
  "incident.opened": { ...INCIDENT, automatic: true },
  "incident.updated": INCIDENT,
  "incident.resolved": { ...INCIDENT, durationMs: 300_000 },
  "maintenance.scheduled": { ...MAINTENANCE, message: "New disks." },
  "maintenance.started": MAINTENANCE,
  "maintenance.completed": MAINTENANCE,
  "maintenance.cancelled": MAINTENANCE,
};
