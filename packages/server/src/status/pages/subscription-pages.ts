import type { Picture } from "../picture.ts";
import type { Subscriber } from "../subscriptions/subscriber-table.ts";
import { html, type Markup } from "./html.ts";
import { page } from "./layout.ts";
import type { Links } from "./links.ts";

/** `/status/subscribe`: every way to be told. @param problem why the last form was not taken */
export function subscribePage(
  picture: Picture,
  links: Links,
  kinds: { email: boolean; webhook: boolean },
  problem?: string,
): string {
  const { title } = picture;
  return formPage(picture, links, "Subscribe", `How to be told about ${title}`, [
    html`<h2>Subscribe</h2>`,
    ...said(problem),
    ...(kinds.email
      ? [
          html`<form class="card" method="post" action="/status/subscribe">
<h3>By e-mail</h3><p class="note">You get a mail that asks whether it was you. Nothing else is sent before you say yes.</p>
<input type="hidden" name="kind" value="email">
<label class="field">E-mail address <input type="email" name="address" required maxlength="320" autocomplete="email"></label>
${choices(picture, [])}
<button>Subscribe</button>
</form>`,
        ]
      : []),
    ...(kinds.webhook
      ? [
          html`<form class="card" method="post" action="/status/subscribe">
<h3>By webhook</h3><p class="note">Messages are signed by the Standard Webhooks scheme. The URL is asked first: a POST of the type <code>subscription.verification</code>, whose answer has to be <code>{"challenge": …}</code> with <code>data.challenge</code> of it.</p>
<input type="hidden" name="kind" value="webhook">
<label class="field">URL <input type="url" name="address" required maxlength="2000" placeholder="https://"></label>
${choices(picture, [])}
<button>Subscribe</button>
</form>`,
        ]
      : []),
    html`<div class="card component"><h3>By feed</h3><p class="note">Nothing is known of who reads them.</p><ul>
<li><a href="${links.href("/status/history.rss")}">RSS</a>, <a href="${links.href("/status/history.atom")}">Atom</a>, <a href="${links.href("/status/feed.json")}">JSON Feed</a>: incidents and maintenance</li>
<li><a href="${links.href("/status/maintenance.ics")}">Calendar</a> of maintenance</li>
</ul></div>`,
  ]);
}

/** The same whoever asked, and whether or not they are known. */
export function askedPage(picture: Picture, links: Links): string {
  return messagePage(picture, links, "Look into your mail", [
    "If this address can be subscribed, a mail is on its way to it. Follow its link to confirm.",
  ]);
}

/** The one time that a webhook's secret is shown. */
export function webhookPage(picture: Picture, links: Links, secret: string, managePath: string): string {
  return formPage(picture, links, "Subscribed", "The webhook is subscribed", [
    html`<h2>Subscribed</h2><div class="card component">
<p>The endpoint answered, and is told from now on. Keep these two: they are shown this once.</p>
<p>Signing secret: <code>${secret}</code></p>
<p><a href="${managePath}">Change or end this subscription</a></p></div>`,
  ]);
}

/** `/status/subscription?id=&token=`: what one subscriber may do. */
export function managePage(
  picture: Picture,
  links: Links,
  subscriber: Subscriber,
  action: string,
  notice?: string,
): string {
  const isNew = subscriber.confirmedAt === undefined;
  const heading = isNew ? "Confirm your subscription" : "Your subscription";
  return formPage(picture, links, heading, heading, [
    html`<h2>${heading}</h2>`,
    ...said(notice),
    html`<form class="card" method="post" action="${action}">
<p>${subscriber.kind === "email" ? "E-mail to" : "Webhook"} <code>${subscriber.address}</code></p>
${choices(picture, subscriber.components)}
<button name="action" value="confirm">${isNew ? "Confirm" : "Save"}</button>
<button class="plain" name="action" value="unsubscribe" formnovalidate>${isNew ? "No, forget it" : "Unsubscribe"}</button>
</form>`,
  ]);
}

export function messagePage(
  picture: Picture,
  links: Links,
  heading: string,
  lines: readonly string[],
): string {
  return formPage(picture, links, heading, lines[0] ?? heading, [
    html`<h2>${heading}</h2><div class="card component">${lines.map((line) => html`<p>${line}</p>`)}<p><a href="${links.href("/status")}">How it is now</a></p></div>`,
  ]);
}

function choices({ components }: Picture, chosen: readonly string[]): Markup {
  return html`<fieldset><legend>About</legend>
<p class="note">Tick none to hear about all of them.</p>
${components.map(({ id, name }) => {
  const isChosen = chosen.includes(id) && html` checked`;
  return html`<label class="choice"><input type="checkbox" name="component" value="${id}"${isChosen}>${name}</label>`;
})}</fieldset>`;
}

function said(text: string | undefined): Markup[] {
  return text === undefined ? [] : [html`<p class="card empty" role="status">${text}</p>`];
}

function formPage(
  picture: Picture,
  links: Links,
  title: string,
  summary: string,
  main: readonly Markup[],
): string {
  return page({ service: picture.title, title, summary, at: picture.at, links, hasForms: true, main });
}
