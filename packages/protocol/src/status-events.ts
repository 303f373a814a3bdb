import type { ComponentStatus, IncidentImpact, IncidentStatus } from "./status-api.ts";

interface IncidentSubject {
  incidentId: string;
  title: string;
  impact: IncidentImpact;
  status: IncidentStatus;
  /** Ids of those that it concerns. */
  components: string[];
  message: string;
}

interface MaintenanceSubject {
  maintenanceId: string;
  title: string;
  components: string[];
  /** ISO 8601, as planned. */
  startsAt: string;
  endsAt: string;
}

/** What the status page says: each of these is public, but for `reason`. */
export interface StatusEventDataMap {
  "status.changed": {
    component: string;
    name: string;
    from: ComponentStatus;
    to: ComponentStatus;
    /** What its probe says. For the operator: on no public page. */
    reason?: string;
  };
  "incident.opened": IncidentSubject & { automatic: boolean };
  "incident.updated": IncidentSubject;
  "incident.resolved": IncidentSubject & { durationMs: number };
  "maintenance.scheduled": MaintenanceSubject & { message: string };
  "maintenance.started": MaintenanceSubject;
  "maintenance.completed": MaintenanceSubject;
  "maintenance.cancelled": MaintenanceSubject;
}

export type StatusEventType = keyof StatusEventDataMap;

export const STATUS_EVENT_TYPES: readonly StatusEventType[] = [
  "status.changed",
  "incident.opened",
  "incident.updated",
  "incident.resolved",
  "maintenance.scheduled",
  "maintenance.started",
  "maintenance.completed",
  "maintenance.cancelled",
];
