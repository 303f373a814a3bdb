import type {
  ComponentInfo,
  ComponentStatus,
  IncidentInfo,
  MaintenanceInfo,
  StatusReport,
} from "@sandglass/protocol";
import type { StatusConfig } from "../config/status-schema.ts";
import type { Board } from "./board.ts";
import { type Overall, overallOf } from "./overall.ts";
import { type DayTimes, type LatencyPoint, SHOWN_DAYS, uptimeOf } from "./uptime-table.ts";

/** Incidents and maintenances that pages show at most. */
const SHOWN_ITEMS = 200;

export interface PictureComponent {
  id: string;
  name: string;
  group: string;
  status: ComponentStatus;
  /** Unix milliseconds. */
  since: number;
  isPublic: boolean;
  isCore: boolean;
  /** Of {@link SHOWN_DAYS} days, those that something was measured on. */
  days: DayTimes[];
  uptime: number | undefined;
  /** Of the last 24 hours; empty where it has none. */
  latencies: readonly LatencyPoint[];
  latencyMs: number | undefined;
  lastProbeAt: number | undefined;
  reason: string | undefined;
}

/** Everything that a page could show, at one moment. */
export interface Picture {
  title: string;
  /** Unix milliseconds. */
  at: number;
  overall: Overall;
  components: PictureComponent[];
  /** Newest first. */
  incidents: IncidentInfo[];
  /** The latest first. */
  maintenances: MaintenanceInfo[];
  /** Of components that are gone, too. */
  names: Readonly<Record<string, string>>;
}

export function pictureOf(board: Board, config: Pick<StatusConfig, "title">, now: number): Picture {
  const components = board.components().map((known): PictureComponent => {
    const days = board.uptime.days(known.key, now);
    const { id, name, group, isPublic, isCore } = known.spec;
    return {
      ...{ id, name, group, isPublic, isCore, days },
      status: known.shown,
      since: known.since,
      uptime: uptimeOf(days),
      latencies: board.uptime.latencies(known.key, now),
      latencyMs: known.latencyMs,
      lastProbeAt: known.lastProbeAt,
      reason: known.reason,
    };
  });
  const incidents = board.incidents.list(SHOWN_ITEMS).map(({ isTakenOver: _, ...incident }) => incident);
  const maintenances = board.maintenances.list(SHOWN_ITEMS);
  const named = new Set([
    ...incidents.flatMap((incident) => Object.keys(incident.components)),
    ...maintenances.flatMap((maintenance) => maintenance.components),
  ]);
  return {
    title: config.title,
    at: now,
    overall: overallOf(components),
    components,
    incidents,
    maintenances,
    names: Object.fromEntries([...named].map((id) => [id, board.nameOf(id)])),
  };
}

/**
 * What everybody may see: no hidden component, nothing that is about hidden components alone, and no reasons.
 *
 * @param isPublic also of components that are gone
 */
export function publicPart(picture: Picture, isPublic: (id: string) => boolean): Picture {
  const components = picture.components
    .filter((component) => component.isPublic)
    .map((component) => ({ ...component, reason: undefined }));
  const isShown = (ids: readonly string[]) => ids.length === 0 || ids.some(isPublic);
  return {
    ...picture,
    components,
    overall: overallOf(components),
    incidents: picture.incidents
      .filter((incident) => isShown(Object.keys(incident.components)))
      .map((incident) => ({
        ...incident,
        components: Object.fromEntries(Object.entries(incident.components).filter(([id]) => isPublic(id))),
      })),
    maintenances: picture.maintenances
      .filter((maintenance) => isShown(maintenance.components))
      .map((maintenance) => ({ ...maintenance, components: maintenance.components.filter(isPublic) })),
    names: Object.fromEntries(Object.entries(picture.names).filter(([id]) => isPublic(id))),
  };
}

export function isOpen({ endedAt }: MaintenanceInfo): boolean {
  return endedAt === undefined;
}

/** As the API answers: what is open, and the components. */
export function reportOf(picture: Picture): StatusReport {
  return {
    title: picture.title,
    description: picture.overall.description,
    indicator: picture.overall.indicator,
    at: new Date(picture.at).toISOString(),
    components: picture.components.map(toInfo),
    incidents: picture.incidents.filter(({ resolvedAt }) => resolvedAt === undefined),
    maintenances: picture.maintenances.filter(isOpen),
  };
}

function toInfo(component: PictureComponent): ComponentInfo {
  const { id, name, group, status, since, isPublic, uptime, latencyMs, lastProbeAt, reason } = component;
  return {
    ...{ id, name, group, status, isPublic },
    since: new Date(since).toISOString(),
    ...(uptime !== undefined && { uptime }),
    ...(latencyMs !== undefined && { latencyMs }),
    ...(lastProbeAt !== undefined && { lastProbeAt: new Date(lastProbeAt).toISOString() }),
    ...(reason !== undefined && { reason }),
  };
}

/** The days that pages show, oldest first: numbers since the epoch. */
export function shownDays(at: number): number[] {
  const today = Math.floor(at / 86_400_000);
  return Array.from({ length: SHOWN_DAYS }, (_, index) => today - SHOWN_DAYS + 1 + index);
}
