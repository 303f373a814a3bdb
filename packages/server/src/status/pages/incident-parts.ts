import type { IncidentInfo, MaintenanceInfo } from "@sandglass/protocol";
import type { Picture } from "../picture.ts";
import { html, type Markup } from "./html.ts";
import type { Links } from "./links.ts";
import {
  durationWords,
  IMPACT_WORDS,
  INCIDENT_WORDS,
  MAINTENANCE_WORDS,
  paragraphs,
  STATUS_WORDS,
  timeTag,
} from "./words.ts";

export interface CardOptions {
  /** With all of its updates, or with the last one. */
  isWhole: boolean;
  /** It is what its page is about: there is nothing to link to. */
  isAlone?: boolean;
}

export function incidentCard(
  incident: IncidentInfo,
  { names }: Pick<Picture, "names">,
  links: Links,
  { isWhole, isAlone = false }: CardOptions,
): Markup {
  const { id, title, impact, status, updates, openedAt, resolvedAt } = incident;
  const shown = isWhole ? updates : updates.slice(0, 1);
  const heading = isAlone ? title : html`<a href="${links.href(`/status/incidents/${id}`)}">${title}</a>`;
  const lasted =
    resolvedAt === undefined
      ? undefined
      : `, lasted ${durationWords(Date.parse(resolvedAt) - Date.parse(openedAt))}`;
  const affected = Object.entries(incident.components).map(
    ([component, componentStatus]) =>
      `${names[component] ?? component} (${STATUS_WORDS[componentStatus].toLowerCase()})`,
  );
  return html`<li class="card incident ${resolvedAt === undefined ? impact : "over"}">
<h3>${heading}</h3>
<p class="note">${INCIDENT_WORDS[status]}, ${IMPACT_WORDS[impact]}, since ${timeTag(openedAt)}${lasted}</p>
${affected.length > 0 && html`<p class="note">${resolvedAt === undefined ? "Affects" : "Affected"} ${namesOnly(incident, names, affected)}</p>`}
<ol class="plain">${shown.map(
    (update) => html`<li class="update"><span class="what">${INCIDENT_WORDS[update.status]}</span>
<span class="note">${timeTag(update.at)}</span>${paragraphs(update.message)}</li>`,
  )}</ol>
</li>`;
}

/** Of one that is over only which ones: all of them are well again. */
function namesOnly(incident: IncidentInfo, names: Picture["names"], affected: readonly string[]): string {
  if (incident.resolvedAt === undefined) return affected.join(", ");
  return Object.keys(incident.components)
    .map((id) => names[id] ?? id)
    .join(", ");
}

export function maintenanceCard(maintenance: MaintenanceInfo, { names }: Pick<Picture, "names">): Markup {
  const { id, title, message, status, components, startsAt, endsAt, endedAt } = maintenance;
  const affected = components.map((component) => names[component] ?? component).join(", ");
  return html`<li class="card incident ${endedAt === undefined ? "maintenance" : "over"}" id="${id}">
<h3>${title}</h3>
<p class="note">${MAINTENANCE_WORDS[status]}: ${timeTag(startsAt)} to ${timeTag(endsAt)}</p>
${affected !== "" && html`<p class="note">Affects ${affected}</p>`}
${paragraphs(message)}
</li>`;
}
