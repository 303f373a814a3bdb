import type { IncidentInfo } from "@sandglass/protocol";
import { isOpen, type Picture, type PictureComponent } from "../picture.ts";
import { html, type Markup } from "./html.ts";
import { incidentCard, maintenanceCard } from "./incident-parts.ts";
import { latencyGraph } from "./latency-graph.ts";
import { page } from "./layout.ts";
import type { Links } from "./links.ts";
import { uptimeBars } from "./uptime-bars.ts";
import { INCIDENT_WORDS, STATUS_WORDS } from "./words.ts";

const RECENT_MS = 14 * 86_400_000;

/** `/status`: how everything is, and what was lately. */
export function overviewPage(picture: Picture, links: Links): string {
  const { title: service, at, overall, components } = picture;
  const open = picture.incidents.filter(({ resolvedAt }) => resolvedAt === undefined);
  const past = picture.incidents.filter(
    ({ resolvedAt }) => resolvedAt !== undefined && at - Date.parse(resolvedAt) < RECENT_MS,
  );
  const planned = picture.maintenances.filter(isOpen).reverse();
  const groups = Map.groupBy(components, ({ group }) => group);
  const graphs = components
    .map((component) => latencyGraph(component, at))
    .filter((graph) => graph !== undefined);
  return page({
    ...{ service, at, links },
    summary: overall.description,
    main: [
      html`<div class="banner ${overall.indicator}" role="status">${icon(overall.indicator === "none")}<span>${overall.description}</span></div>`,
      ...section(
        "Current incidents",
        open.map((incident) => incidentCard(incident, picture, links, { isWhole: true })),
      ),
      ...section(
        "Maintenance",
        planned.map((maintenance) => maintenanceCard(maintenance, picture)),
      ),
      ...[...groups].map(
        ([group, members]) => html`<h2>${group}</h2>
<ul class="plain card">${members.map((component) => componentItem(component, at))}</ul>`,
      ),
      LEGEND,
      html`${graphs.length > 0 && html`<h2>Response times</h2><div class="card">${graphs}</div>`}`,
      html`<h2>Past incidents</h2>${
        past.length === 0
          ? html`<p class="card empty">No incidents in the last 14 days.</p>`
          : html`<ul class="plain">${past.map((incident) => incidentCard(incident, picture, links, { isWhole: false }))}</ul>`
      }`,
      html`<p><a href="${links.href("/status/history")}">All incidents and maintenance</a></p>`,
    ],
  });
}

/** `/status/history`: everything that is kept of incidents and maintenance. */
export function historyPage(picture: Picture, links: Links): string {
  const { title: service, at, incidents, maintenances } = picture;
  return page({
    ...{ service, at, links },
    title: "History",
    summary: `Incidents and maintenance of ${service}`,
    main: [
      html`<h2>Incidents</h2>${
        incidents.length === 0
          ? html`<p class="card empty">There has been none.</p>`
          : html`<ul class="plain">${incidents.map((incident) => incidentCard(incident, picture, links, { isWhole: false }))}</ul>`
      }`,
      html`<h2>Maintenance</h2>${
        maintenances.length === 0
          ? html`<p class="card empty">None was scheduled.</p>`
          : html`<ul class="plain">${maintenances.map((maintenance) => maintenanceCard(maintenance, picture))}</ul>`
      }`,
    ],
  });
}

/** `/status/incidents/{id}`: one incident from its beginning. */
export function incidentPage(incident: IncidentInfo, picture: Picture, links: Links): string {
  return page({
    service: picture.title,
    title: incident.title,
    summary: `${INCIDENT_WORDS[incident.status]}: ${incident.updates[0]?.message ?? ""}`.slice(0, 300),
    at: picture.at,
    links,
    main: [
      html`<h2>Incident</h2><ul class="plain">${incidentCard(incident, picture, links, { isWhole: true, isAlone: true })}</ul>`,
      html`<p><a href="${links.href("/status")}">How it is now</a></p>`,
    ],
  });
}

function componentItem(component: PictureComponent, at: number): Markup {
  const { name, status } = component;
  return html`<li class="component"><div class="row"><span class="name">${name}</span><span class="state ${status}">${STATUS_WORDS[status]}</span></div>
${uptimeBars(component, at)}</li>`;
}

function section(title: string, items: readonly Markup[]): Markup[] {
  return items.length === 0 ? [] : [html`<h2>${title}</h2><ul class="plain">${items}</ul>`];
}

function icon(isWell: boolean): Markup {
  const sign = isWell ? html`<path d="M9 16.5l4.5 4.5L23 11.5"/>` : html`<path d="M16 8.5v9.5M16 22.5v.5"/>`;
  return html`<svg viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><circle cx="16" cy="16" r="14"/>${sign}</svg>`;
}

const LEGEND = html`<ul class="legend" aria-label="Colours of the bars">${(
  [
    ["up", "no outage"],
    ["degraded", "degraded"],
    ["partial", "partial or short outage"],
    ["down", "outage"],
    ["maint", "maintenance"],
    ["none", "no data"],
  ] as const
).map(
  ([shade, words]) =>
    html`<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="b-${shade}" width="10" height="10" rx="2"/></svg>${words}</li>`,
)}</ul>`;
