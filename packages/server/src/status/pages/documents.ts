import type { ComponentStatus } from "@sandglass/protocol";
import { worst } from "../component-status.ts";
import type { Picture } from "../picture.ts";
import { badge, icon } from "./badge.ts";
import { maintenanceCalendar } from "./calendar.ts";
import { atomFeed, jsonFeed, rssFeed } from "./feeds.ts";
import type { Links, Target } from "./links.ts";
import { historyPage, incidentPage, overviewPage } from "./pages.ts";
import { STATUSPAGE_DOCUMENTS, type StatuspageDocument } from "./statuspage-api.ts";

/** Something public, and how it is written. */
export interface PublicDocument {
  contentType: string;
  /** Seconds that anybody may keep it. */
  maxAge: number;
  /** It names places by their whole addresses: without one it cannot be. */
  needsOrigin?: boolean;
  render(picture: Picture, links: Links): string;
}

const HTML = "text/html; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";
const SVG = "image/svg+xml";
const SHORT = 15;
const LONG = 60;

const FIXED: ReadonlyMap<string, PublicDocument> = new Map<Target, PublicDocument>([
  ["/status", { contentType: HTML, maxAge: SHORT, render: overviewPage }],
  ["/status/history", { contentType: HTML, maxAge: SHORT, render: historyPage }],
  ["/status/history.rss", feed("application/rss+xml; charset=utf-8", rssFeed)],
  ["/status/history.atom", feed("application/atom+xml; charset=utf-8", atomFeed)],
  ["/status/feed.json", feed("application/feed+json; charset=utf-8", jsonFeed)],
  [
    "/status/maintenance.ics",
    { contentType: "text/calendar; charset=utf-8", maxAge: LONG, render: maintenanceCalendar },
  ],
  [
    "/status/badge.svg",
    {
      contentType: SVG,
      maxAge: LONG,
      render: ({ title, components }) => badge(title, worst(components.map(({ status }) => status))),
    },
  ],
  [
    "/status/icon.svg",
    {
      contentType: SVG,
      maxAge: LONG,
      render: ({ components }) => icon(worst(components.map(({ status }) => status))),
    },
  ],
  ...(Object.keys(STATUSPAGE_DOCUMENTS) as StatuspageDocument[]).map((name): [Target, PublicDocument] => [
    `/api/v2/${name}.json`,
    {
      contentType: JSON_TYPE,
      maxAge: SHORT,
      render: (picture, links) => JSON.stringify(STATUSPAGE_DOCUMENTS[name](picture, links)),
    },
  ]),
]);

/** The document at a path; undefined where there is none. */
export function findDocument(path: string, picture: Picture): PublicDocument | undefined {
  const fixed = FIXED.get(path);
  if (fixed !== undefined) return fixed;
  const [, kind, name = ""] = /^\/status\/(incidents|badge)\/([^/]+)$/.exec(path) ?? [];
  if (kind === "incidents") {
    const incident = picture.incidents.find(({ id }) => id === name);
    if (incident === undefined) return undefined;
    return {
      contentType: HTML,
      maxAge: SHORT,
      render: (shown, links) => incidentPage(incident, shown, links),
    };
  }
  if (kind === "badge") {
    const component = picture.components.find(({ id }) => `${id}.svg` === name);
    if (component === undefined) return undefined;
    const { status }: { status: ComponentStatus } = component;
    return { contentType: SVG, maxAge: LONG, render: () => badge(component.name, status) };
  }
  return undefined;
}

/** Everything that there is. */
export function allTargets({ incidents, components }: Picture): Target[] {
  return [
    ...(FIXED.keys() as Iterable<Target>),
    ...incidents.map(({ id }): Target => `/status/incidents/${id}`),
    ...components.map(({ id }): Target => `/status/badge/${id}.svg`),
  ];
}

function feed(contentType: string, render: PublicDocument["render"]): PublicDocument {
  return { contentType, maxAge: LONG, needsOrigin: true, render };
}
