import type { Picture } from "../picture.ts";
import { feedItems, feedUpdatedAt, itemUrl } from "./feed-items.ts";
import { html } from "./html.ts";
import type { Links } from "./links.ts";

/** RSS 2.0. */
export function rssFeed(picture: Picture, links: Links): string {
  const items = feedItems(picture);
  const updated = new Date(feedUpdatedAt(items)).toUTCString();
  return html`<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">
<channel>
<title>${picture.title} status</title>
<link>${links.absolute("/status")}</link>
<atom:link href="${links.absolute("/status/history.rss")}" rel="self" type="application/rss+xml"/>
<description>Incidents and maintenance of ${picture.title}</description>
<language>en</language>
<lastBuildDate>${updated}</lastBuildDate>
${items.map(
  (item) => html`<item>
<title>${item.title}</title>
<link>${itemUrl(item, links)}</link>
<guid isPermaLink="true">${itemUrl(item, links)}</guid>
<pubDate>${new Date(item.updatedAt).toUTCString()}</pubDate>
<description>${item.content.text}</description>
</item>
`,
)}</channel>
</rss>
`.text;
}

/** RFC 4287. */
export function atomFeed(picture: Picture, links: Links): string {
  const items = feedItems(picture);
  return html`<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
<title>${picture.title} status</title>
<id>${links.absolute("/status")}</id>
<link rel="alternate" type="text/html" href="${links.absolute("/status")}"/>
<link rel="self" type="application/atom+xml" href="${links.absolute("/status/history.atom")}"/>
<updated>${feedUpdatedAt(items)}</updated>
<author><name>${picture.title}</name></author>
${items.map(
  (item) => html`<entry>
<title>${item.title}</title>
<id>${itemUrl(item, links)}</id>
<link rel="alternate" type="text/html" href="${itemUrl(item, links)}"/>
<published>${item.publishedAt}</published>
<updated>${item.updatedAt}</updated>
<content type="html">${item.content.text}</content>
</entry>
`,
)}</feed>
`.text;
}

/** JSON Feed 1.1, https://www.jsonfeed.org/version/1.1/ */
export function jsonFeed(picture: Picture, links: Links): string {
  const items = feedItems(picture).map((item) => ({
    id: itemUrl(item, links),
    url: itemUrl(item, links),
    title: item.title,
    content_html: item.content.text,
    date_published: item.publishedAt,
    date_modified: item.updatedAt,
  }));
  return JSON.stringify({
    version: "https://jsonfeed.org/version/1.1",
    title: `${picture.title} status`,
    home_page_url: links.absolute("/status"),
    feed_url: links.absolute("/status/feed.json"),
    description: `Incidents and maintenance of ${picture.title}`,
    language: "en",
    authors: [{ name: picture.title }],
    items,
  });
}
