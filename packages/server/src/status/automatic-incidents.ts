import type { ComponentStatus, IncidentImpact } from "@sandglass/protocol";
import type { Component } from "./component-spec.ts";
import { severity, worst } from "./component-status.ts";
import type { IncidentTable, KeptIncident } from "./incident-table.ts";

/** What fails within this time of an incident's beginning is part of it: one cause fails many things at about the same time. */
const SAME_CAUSE_MS = 10 * 60_000;

/** What is written to an incident. */
export interface IncidentChange {
  /** Absent: a new one. */
  incident?: KeptIncident;
  title: string;
  impact: IncidentImpact;
  status: "investigating" | "monitoring" | "resolved" | KeptIncident["status"];
  components: Record<string, ComponentStatus>;
  message: string;
}

/** Whether this much is an incident: what is merely slow is said by its status. */
export function isOutage(status: ComponentStatus): boolean {
  return severity(status) >= severity("partial_outage");
}

export function impactOf(status: ComponentStatus, isCore: boolean): IncidentImpact {
  if (status === "major_outage") return isCore ? "critical" : "major";
  if (status === "operational" || status === "under_maintenance") return "none";
  return status === "partial_outage" ? "major" : "minor";
}

/** What to write when probes find that a component has changed; undefined where there is nothing to say. */
export function changeFor(
  component: Component,
  status: ComponentStatus,
  incidents: IncidentTable,
  now: number,
  isPublic: (componentId: string) => boolean,
): IncidentChange | undefined {
  const open = incidents.list(1000, true).filter(({ isAutomatic }) => isAutomatic);
  const own = open.find(({ components }) => isOutage(components[component.id] ?? "operational"));
  if (isOutage(status))
    return own === undefined ? begin(component, status, open, now, isPublic) : worsen(own, component, status);
  return own === undefined ? undefined : recover(own, component, status);
}

function begin(
  component: Component,
  status: ComponentStatus,
  open: readonly KeptIncident[],
  now: number,
  isPublic: (componentId: string) => boolean,
): IncidentChange {
  const impact = impactOf(status, component.isCore);
  const components = { [component.id]: status };
  // What is hidden and what is public never share an incident: its words name its components.
  const together = open.find(
    (incident) =>
      now - Date.parse(incident.openedAt) < SAME_CAUSE_MS &&
      Object.keys(incident.components).every((id) => isPublic(id) === component.isPublic),
  );
  if (together === undefined) {
    return {
      title: `${component.name}: ${status === "major_outage" ? "outage" : "partial outage"}`,
      impact,
      status: "investigating",
      components,
      message: `Automatic checks of ${component.name} fail. This page is updated when they succeed again.`,
    };
  }
  return {
    incident: together,
    title: together.title,
    impact: graver(together.impact, impact),
    status: together.status,
    components,
    message: `Automatic checks of ${component.name} fail as well.`,
  };
}

function worsen(
  own: KeptIncident,
  component: Component,
  status: ComponentStatus,
): IncidentChange | undefined {
  if (own.components[component.id] === status) return undefined;
  const words = status === "major_outage" ? "is an outage now" : "is a partial outage now";
  return {
    incident: own,
    title: own.title,
    impact: graver(own.impact, impactOf(status, component.isCore)),
    status: own.status,
    components: { [component.id]: status },
    message: `${component.name} ${words}.`,
  };
}

function recover(own: KeptIncident, component: Component, status: ComponentStatus): IncidentChange {
  const components = { [component.id]: status };
  const isOver = !isOutage(worst(Object.values({ ...own.components, ...components })));
  const common = { incident: own, title: own.title, impact: own.impact, components };
  if (!isOver) {
    return { ...common, status: own.status, message: `Automatic checks of ${component.name} succeed again.` };
  }
  // Whoever has written to it knows more than the probes: it is theirs to say that it is over.
  if (own.isTakenOver) {
    return { ...common, status: "monitoring", message: "All automatic checks succeed again." };
  }
  return {
    ...common,
    status: "resolved",
    message: "All automatic checks succeed again. This incident was resolved automatically.",
  };
}

function graver(one: IncidentImpact, other: IncidentImpact): IncidentImpact {
  const order: IncidentImpact[] = ["none", "minor", "major", "critical"];
  return order.indexOf(one) >= order.indexOf(other) ? one : other;
}
