import type { Picture } from "../picture.ts";
import { html, type Markup } from "./html.ts";
import type { Links, Target } from "./links.ts";
import { INCIDENT_WORDS, MAINTENANCE_WORDS, paragraphs, timeWords } from "./words.ts";

const ITEMS = 50;

/** One incident or maintenance, as every feed has it. */
export interface FeedItem {
  target: Target;
  title: string;
  /** HTML. */
  content: Markup;
  /** ISO 8601. */
  publishedAt: string;
  updatedAt: string;
}

/** Newest change first. */
export function feedItems({ incidents, maintenances }: Picture): FeedItem[] {
  const items = [
    ...incidents.map((incident): FeedItem => {
      const { id, title, status, openedAt, updates } = incident;
      return {
        target: `/status/incidents/${id}`,
        title: `${INCIDENT_WORDS[status]}: ${title}`,
        content: html`${updates.map(
          (update) =>
            html`<p><strong>${INCIDENT_WORDS[update.status]}</strong>, ${timeWords(update.at)}</p>${paragraphs(update.message)}`,
        )}`,
        publishedAt: openedAt,
        updatedAt: updates[0]?.at ?? openedAt,
      };
    }),
    ...maintenances.map((maintenance): FeedItem => {
      const { id, title, status, message, startsAt, endsAt, createdAt, endedAt } = maintenance;
      const begun = status === "in_progress" ? startsAt : createdAt;
      return {
        target: `/status/history#${id}` as Target,
        title: `Maintenance ${MAINTENANCE_WORDS[status].toLowerCase()}: ${title}`,
        content: html`<p>${timeWords(startsAt)} to ${timeWords(endsAt)}</p>${paragraphs(message)}`,
        publishedAt: createdAt,
        updatedAt: endedAt ?? begun,
      };
    }),
  ];
  return items.sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1)).slice(0, ITEMS);
}

/** When anything in it changed; where nothing ever did, a time that does not move. */
export function feedUpdatedAt(items: readonly FeedItem[]): string {
  return items[0]?.updatedAt ?? "2000-01-01T00:00:00.000Z";
}

/** An item's address holds for good: it is its name, too. */
export function itemUrl({ target }: FeedItem, links: Links): string {
  const [path = "", fragment] = target.split("#");
  const url = links.absolute(path as Target);
  return fragment === undefined ? url : `${url}#${fragment}`;
}
