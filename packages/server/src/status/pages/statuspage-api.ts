import type { IncidentInfo, MaintenanceInfo } from "@sandglass/protocol";
import { isOpen, type Picture, type PictureComponent } from "../picture.ts";
import { feedItems, feedUpdatedAt } from "./feed-items.ts";
import type { Links } from "./links.ts";

const PAGE_ID = "sandglass";

/** The documents of `/api/v2`, in the shapes of Atlassian Statuspage: what reads theirs reads these. */
export const STATUSPAGE_DOCUMENTS = {
  summary: (picture, links) => ({
    page: pageOf(picture, links),
    components: componentsOf(picture),
    incidents: incidentsOf(picture, links, isUnresolved),
    scheduled_maintenances: maintenancesOf(picture, links, isOpen),
    status: picture.overall,
  }),
  status: (picture, links) => ({ page: pageOf(picture, links), status: picture.overall }),
  components: (picture, links) => ({ page: pageOf(picture, links), components: componentsOf(picture) }),
  incidents: (picture, links) => ({
    page: pageOf(picture, links),
    incidents: incidentsOf(picture, links, () => true),
  }),
  "incidents/unresolved": (picture, links) => ({
    page: pageOf(picture, links),
    incidents: incidentsOf(picture, links, isUnresolved),
  }),
  "scheduled-maintenances": (picture, links) => ({
    page: pageOf(picture, links),
    scheduled_maintenances: maintenancesOf(picture, links, () => true),
  }),
  "scheduled-maintenances/upcoming": (picture, links) => ({
    page: pageOf(picture, links),
    scheduled_maintenances: maintenancesOf(picture, links, ({ status }) => status === "scheduled"),
  }),
  "scheduled-maintenances/active": (picture, links) => ({
    page: pageOf(picture, links),
    scheduled_maintenances: maintenancesOf(picture, links, ({ status }) => status === "in_progress"),
  }),
} as const satisfies Record<string, (picture: Picture, links: Links) => object>;

export type StatuspageDocument = keyof typeof STATUSPAGE_DOCUMENTS;

function pageOf(picture: Picture, links: Links) {
  const changes = picture.components.map(({ since }) => new Date(since).toISOString());
  const updated = [...changes, feedUpdatedAt(feedItems(picture))].sort().at(-1);
  return {
    id: PAGE_ID,
    name: picture.title,
    url: links.hasOrigin ? links.absolute("/status") : "",
    time_zone: "Etc/UTC",
    updated_at: updated,
  };
}

function componentsOf({ components }: Picture) {
  return components.map(toComponent);
}

function toComponent({ id, name, status, since }: PictureComponent, index: number) {
  const at = new Date(since).toISOString();
  return {
    id,
    name,
    status,
    created_at: at,
    updated_at: at,
    position: index + 1,
    description: null,
    showcase: true,
    start_date: null,
    group_id: null,
    page_id: PAGE_ID,
    group: false,
    only_show_if_degraded: false,
  };
}

function incidentsOf(picture: Picture, links: Links, isWanted: (incident: IncidentInfo) => boolean) {
  return picture.incidents.filter(isWanted).map((incident) => {
    const { id, title, status, impact, openedAt, resolvedAt, updates } = incident;
    const affected = Object.entries(incident.components).map(([code, now]) => ({
      code,
      name: picture.names[code] ?? code,
      old_status: "operational",
      new_status: now,
    }));
    return {
      id,
      name: title,
      status,
      created_at: openedAt,
      updated_at: updates[0]?.at ?? openedAt,
      monitoring_at: updates.findLast((update) => update.status === "monitoring")?.at ?? null,
      resolved_at: resolvedAt ?? null,
      impact,
      shortlink: links.hasOrigin ? links.absolute(`/status/incidents/${id}`) : "",
      started_at: openedAt,
      page_id: PAGE_ID,
      incident_updates: updates.map((update, index) => ({
        id: update.id,
        status: update.status,
        body: update.message,
        incident_id: id,
        created_at: update.at,
        updated_at: update.at,
        display_at: update.at,
        affected_components: index === 0 && affected.length > 0 ? affected : null,
        deliver_notifications: true,
        custom_tweet: null,
        tweet_id: null,
      })),
      components: componentsOf(picture).filter((component) => component.id in incident.components),
      reminder_intervals: null,
    };
  });
}

/** Statuspage knows no maintenance that was cancelled: it is not there any more. */
function maintenancesOf(picture: Picture, links: Links, isWanted: (maintenance: MaintenanceInfo) => boolean) {
  const kept = picture.maintenances.filter(({ status }) => status !== "cancelled").filter(isWanted);
  return kept.map(({ id, title, message, status, components, startsAt, endsAt, createdAt, endedAt }) => ({
    id,
    name: title,
    status,
    created_at: createdAt,
    updated_at: endedAt ?? (status === "in_progress" ? startsAt : createdAt),
    monitoring_at: null,
    resolved_at: endedAt ?? null,
    impact: "maintenance",
    shortlink: links.hasOrigin ? `${links.absolute("/status/history")}#${id}` : "",
    started_at: createdAt,
    page_id: PAGE_ID,
    incident_updates: [
      {
        id: `${id}_1`,
        status: "scheduled",
        body: message,
        incident_id: id,
        created_at: createdAt,
        updated_at: createdAt,
        display_at: createdAt,
        affected_components: null,
        deliver_notifications: true,
        custom_tweet: null,
        tweet_id: null,
      },
    ],
    components: componentsOf(picture).filter((component) => components.includes(component.id)),
    scheduled_for: startsAt,
    scheduled_until: endsAt,
    reminder_intervals: null,
  }));
}

function isUnresolved({ resolvedAt }: IncidentInfo): boolean {
  return resolvedAt === undefined;
}
