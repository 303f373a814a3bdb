import { html, Markup } from "./html.ts";
import type { Links } from "./links.ts";
import { FORMS_POLICY, FORMS_REFERRER, POLICY, STYLE } from "./style.ts";
import { timeTag } from "./words.ts";

export interface PageParts {
  /** Of the service. */
  service: string;
  /** Of the page; absent on the first one. */
  title?: string;
  /** In the words of the title bar and of who shares the page. */
  summary: string;
  /** Unix milliseconds. */
  at: number;
  links: Links;
  /** It has forms, which are sent to ourselves. */
  hasForms?: boolean;
  main: Markup | readonly Markup[];
}

/** A whole page: works without a script, asks nobody else for anything, tells nobody that it was read. */
export function page({ service, title, summary, at, links, hasForms, main }: PageParts): string {
  const name = title === undefined ? `${service} status` : `${title} · ${service} status`;
  const feeds = html`
<link rel="alternate" type="application/rss+xml" title="${service} incidents (RSS)" href="${links.href("/status/history.rss")}">
<link rel="alternate" type="application/atom+xml" title="${service} incidents (Atom)" href="${links.href("/status/history.atom")}">
<link rel="alternate" type="application/feed+json" title="${service} incidents (JSON)" href="${links.href("/status/feed.json")}">`;
  const feedItems = html`
<li><a href="${links.href("/status/history.rss")}">RSS</a></li>
<li><a href="${links.href("/status/history.atom")}">Atom</a></li>
<li><a href="${links.href("/status/feed.json")}">JSON Feed</a></li>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${hasForms === true ? FORMS_POLICY : POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="${hasForms === true ? FORMS_REFERRER : "no-referrer"}">
<meta name="description" content="${summary}">
<link rel="icon" type="image/svg+xml" href="${links.href("/status/icon.svg")}">
<title>${name}</title>${links.hasOrigin && feeds}
<style>${new Markup(STYLE)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top"><div class="wrap">
<h1>${title === undefined ? html`${service} status` : html`<a href="${links.href("/status")}">${service} status</a>`}</h1>
<span class="note">As of ${timeTag(at)}${links.subscribe !== undefined && html` · <a href="${links.subscribe}">Subscribe</a>`}</span>
</div></header>
<main id="main"><div class="wrap">
${main}
</div></main>
<footer><div class="wrap">
<ul>
<li><a href="${links.href("/status")}">Status</a></li>
<li><a href="${links.href("/status/history")}">History</a></li>${links.hasOrigin && feedItems}
<li><a href="${links.href("/status/maintenance.ics")}">Maintenance calendar</a></li>
<li><a href="${links.href("/api/v2/summary.json")}">JSON</a></li>
</ul>
<p>All times are UTC. What was not measured is shown as a gap, never as up.</p>
</div></footer>
</body>
</html>
`.text;
}
