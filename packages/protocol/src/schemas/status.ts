import * as z from "zod";
import {
  COMPONENT_STATUSES,
  INCIDENT_IMPACTS,
  INCIDENT_STATUSES,
  type StatusReport as Report,
} from "../status-api.ts";
import type { StatusEventType } from "../status-events.ts";
import { queryBoolean, queryInteger } from "./query-fields.ts";
import { strictObject } from "./strict-object.ts";

const text = z.string();
export const ComponentStatus = z.enum(COMPONENT_STATUSES);
const IncidentStatus = z.enum(INCIDENT_STATUSES);
const IncidentImpact = z.enum(INCIDENT_IMPACTS);
const INDICATORS = [
  "none",
  "maintenance",
  "minor",
  "major",
  "critical",
] as const satisfies readonly Report["indicator"][];

const incident = {
  incidentId: text,
  title: text,
  impact: IncidentImpact,
  status: IncidentStatus,
  components: z.array(text),
  message: text,
};
const maintenance = {
  maintenanceId: text,
  title: text,
  components: z.array(text),
  startsAt: text,
  endsAt: text,
};

/** Payloads of what the status page says. */
export const STATUS_EVENT_DATA = {
  "status.changed": z.object({
    component: text,
    name: text,
    from: ComponentStatus,
    to: ComponentStatus,
    reason: text.optional(),
  }),
  "incident.opened": z.object({ ...incident, automatic: z.boolean() }),
  "incident.updated": z.object(incident),
  "incident.resolved": z.object({ ...incident, durationMs: z.number() }),
  "maintenance.scheduled": z.object({ ...maintenance, message: text }),
  "maintenance.started": z.object(maintenance),
  "maintenance.completed": z.object(maintenance),
  "maintenance.cancelled": z.object(maintenance),
} as const satisfies Record<StatusEventType, z.ZodObject>;

const title = z
  .string()
  .min(1, { error: "must not be empty" })
  .max(200)
  .regex(/^\P{Cc}*$/u, { error: "must not contain control characters" });
/** Plain text; an empty line begins a paragraph. */
const message = z
  .string()
  .min(1, { error: "must not be empty: it is what people read" })
  .max(10_000)
  .regex(/^(?:\P{Cc}|[\n\t])*$/u, { error: "must not contain control characters" });
const componentId = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, { error: "is no id of a component" });
const time = z.iso.datetime({
  offset: true,
  error: "must be a time in ISO 8601, e.g. 2030-01-31T22:00:00Z",
});

export const OpenIncidentRequest = strictObject({
  title,
  message,
  status: IncidentStatus.optional(),
  impact: IncidentImpact.optional(),
  components: z.record(componentId, ComponentStatus).optional(),
});
export const UpdateIncidentRequest = strictObject({
  message,
  status: IncidentStatus.optional(),
  impact: IncidentImpact.optional(),
  components: z.record(componentId, ComponentStatus).optional(),
});
export const ScheduleMaintenanceRequest = strictObject({
  title,
  message,
  components: z.array(componentId).min(1, { error: "must name at least one component" }).max(100),
  startsAt: time,
  endsAt: time,
});

export const IncidentInfo = z.object({
  id: text,
  title: text,
  status: IncidentStatus,
  impact: IncidentImpact,
  components: z.record(text, ComponentStatus),
  isAutomatic: z.boolean(),
  openedAt: text,
  resolvedAt: text.optional(),
  updates: z.array(z.object({ id: text, status: IncidentStatus, message: text, at: text })),
});
export const IncidentList = z.object({ items: z.array(IncidentInfo) });
export const MaintenanceInfo = z.object({
  id: text,
  title: text,
  message: text,
  status: z.enum(["scheduled", "in_progress", "completed", "cancelled"]),
  components: z.array(text),
  startsAt: text,
  endsAt: text,
  createdAt: text,
  endedAt: text.optional(),
});
export const MaintenanceList = z.object({ items: z.array(MaintenanceInfo) });

export const StatusReport = z.object({
  title: text,
  description: text,
  indicator: z.enum(INDICATORS),
  at: text,
  components: z.array(
    z.object({
      id: text,
      name: text,
      group: text,
      status: ComponentStatus,
      since: text,
      isPublic: z.boolean(),
      uptime: z.number().optional(),
      latencyMs: z.number().optional(),
      lastProbeAt: text.optional(),
      reason: text.optional(),
    }),
  ),
  incidents: z.array(IncidentInfo),
  maintenances: z.array(MaintenanceInfo),
});

export const StatusExport = z.object({ files: z.array(z.object({ path: text, content: text })) });

const history = {
  /** Only those that are not over. */
  open: queryBoolean.optional(),
  limit: queryInteger(1, 200, "items").default(50),
};
export const StatusHistoryQuery = strictObject(history);
export const StatusExportQuery = strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/, error: "must be an http or https URL" })
    .max(500)
    .optional(),
});
