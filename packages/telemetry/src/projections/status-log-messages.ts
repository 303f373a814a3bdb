import type { StatusEventDataMap, StatusEventType } from "@sandglass/protocol";
import type { LogMessage } from "./log-message.ts";

/** What the daemon's log says of its status page. */
export const STATUS_LOG_MESSAGES: { readonly [T in StatusEventType]: LogMessage<T> } = {
  "status.changed": {
    target: "status",
    message: "status changed",
    fields: ({ component, from, to, reason }) => ({ component, from, to, reason }),
  },
  "incident.opened": {
    target: "incident",
    message: "incident opened",
    fields: ({ automatic, ...data }) => ({ ...incidentFields(data), automatic }),
  },
  "incident.updated": { target: "incident", message: "incident updated", fields: incidentFields },
  "incident.resolved": {
    target: "incident",
    message: "incident resolved",
    fields: ({ durationMs, ...data }) => ({ ...incidentFields(data), duration_ms: durationMs }),
  },
  "maintenance.scheduled": {
    target: "maintenance",
    message: "maintenance scheduled",
    fields: maintenanceFields,
  },
  "maintenance.started": {
    target: "maintenance",
    message: "maintenance started",
    fields: maintenanceFields,
  },
  "maintenance.completed": {
    target: "maintenance",
    message: "maintenance completed",
    fields: maintenanceFields,
  },
  "maintenance.cancelled": {
    target: "maintenance",
    message: "maintenance cancelled",
    fields: maintenanceFields,
  },
};

function incidentFields(data: StatusEventDataMap["incident.updated"]) {
  const { incidentId, title, status, impact, components } = data;
  return { incident_id: incidentId, title, status, impact, components: components.join(",") };
}

function maintenanceFields(data: StatusEventDataMap["maintenance.started"]) {
  const { maintenanceId, title, components, startsAt, endsAt } = data;
  return {
    maintenance_id: maintenanceId,
    title,
    components: components.join(","),
    starts_at: startsAt,
    ends_at: endsAt,
  };
}
