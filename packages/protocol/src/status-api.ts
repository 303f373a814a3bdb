/** What a component of the service is said to be, in the words of Statuspage. */
export type ComponentStatus =
  | "operational"
  | "degraded_performance"
  | "partial_outage"
  | "major_outage"
  | "under_maintenance";
/** From best to worst; under maintenance is no judgement. */
export const COMPONENT_STATUSES: readonly [ComponentStatus, ...ComponentStatus[]] = [
  "operational",
  "under_maintenance",
  "degraded_performance",
  "partial_outage",
  "major_outage",
];

export type IncidentStatus = "investigating" | "identified" | "monitoring" | "resolved";
export const INCIDENT_STATUSES: readonly [IncidentStatus, ...IncidentStatus[]] = [
  "investigating",
  "identified",
  "monitoring",
  "resolved",
];

export type IncidentImpact = "none" | "minor" | "major" | "critical";
export const INCIDENT_IMPACTS: readonly [IncidentImpact, ...IncidentImpact[]] = [
  "none",
  "minor",
  "major",
  "critical",
];

export type MaintenanceStatus = "scheduled" | "in_progress" | "completed" | "cancelled";

/** One component, as its operator sees it. */
export interface ComponentInfo {
  /** In URLs: `api`, `template-python`, `exporter-axiom`, `check-website`. */
  id: string;
  name: string;
  group: string;
  status: ComponentStatus;
  /** ISO 8601; since when it has this status. */
  since: string;
  /** On the public pages. */
  isPublic: boolean;
  /** Of 90 days, without what nobody measured and what was maintenance; 0 to 1. Absent where nothing was measured. */
  uptime?: number;
  /** Of the last probe, milliseconds. */
  latencyMs?: number;
  lastProbeAt?: string;
  /** Why the last probe did not succeed. Never on a public page. */
  reason?: string;
}

/** `GET /v1/status`. */
export interface StatusReport {
  title: string;
  /** The worst of the components, in words. */
  description: string;
  indicator: "none" | "maintenance" | "minor" | "major" | "critical";
  at: string;
  components: ComponentInfo[];
  incidents: IncidentInfo[];
  maintenances: MaintenanceInfo[];
}

export interface IncidentUpdate {
  id: string;
  status: IncidentStatus;
  message: string;
  at: string;
}

export interface IncidentInfo {
  /** "inc_" + 26 characters. */
  id: string;
  title: string;
  status: IncidentStatus;
  impact: IncidentImpact;
  /** Component id to what it is because of this incident. */
  components: Record<string, ComponentStatus>;
  /** Probes opened it, and resolve it unless a person has written to it since. */
  isAutomatic: boolean;
  openedAt: string;
  resolvedAt?: string;
  /** Newest first. */
  updates: IncidentUpdate[];
}
export interface IncidentList {
  items: IncidentInfo[];
}

/** `POST /v1/incidents`. */
export interface OpenIncidentRequest {
  title: string;
  message: string;
  /** Default "investigating". */
  status?: IncidentStatus;
  /** Default: after the worst component. */
  impact?: IncidentImpact;
  /** Component id to what it is because of it. */
  components?: Record<string, ComponentStatus>;
}

/** `POST /v1/incidents/{incidentId}/updates`; the status "resolved" ends it. */
export interface UpdateIncidentRequest {
  message: string;
  status?: IncidentStatus;
  impact?: IncidentImpact;
  /** Over those that it has. */
  components?: Record<string, ComponentStatus>;
}

export interface MaintenanceInfo {
  /** "mnt_" + 26 characters. */
  id: string;
  title: string;
  message: string;
  status: MaintenanceStatus;
  components: string[];
  startsAt: string;
  endsAt: string;
  createdAt: string;
  /** When it was completed or cancelled. */
  endedAt?: string;
}
export interface MaintenanceList {
  items: MaintenanceInfo[];
}

/** `POST /v1/maintenances`. */
export interface ScheduleMaintenanceRequest {
  title: string;
  message: string;
  /** Component ids; under maintenance from `startsAt` to `endsAt`. */
  components: string[];
  /** ISO 8601. */
  startsAt: string;
  endsAt: string;
}

/** `GET /v1/status/export`: the public pages as files. */
export interface StatusExport {
  files: { path: string; content: string }[];
}
