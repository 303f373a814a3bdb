import type { ComponentStatus, IncidentImpact, IncidentStatus } from "@sandglass/protocol";
import { html, type Markup } from "../pages/html.ts";
import { IMPACT_WORDS, INCIDENT_WORDS, paragraphs, STATUS_WORDS, timeWords } from "../pages/words.ts";
import type { Mail } from "./mailer.ts";
import type { Notice } from "./notice.ts";

/** What every mail of one status page has in common. */
export interface MailContext {
  /** Of the service. */
  service: string;
  /** Public address, without a slash at its end. */
  url: string;
  /** In message ids. */
  domain: string;
  /** Name of a component. */
  nameOf(id: string): string;
}

interface Recipient {
  to: string;
  /** Where the subscription is confirmed, changed and ended. */
  manageUrl: string;
}

interface Parts {
  heading: string;
  lines: string[];
  message?: string;
  link: { url: string; text: string };
  /** Whoever gets it is not subscribed yet. */
  isQuestion?: boolean;
}

/** The question that a subscription begins with. */
export function confirmationMail(context: MailContext, { to, manageUrl }: Recipient, id: string): Mail {
  const { service } = context;
  const heading = `Confirm your subscription to ${service} status`;
  const lines = [
    `Somebody, hopefully you, asked to be told by mail how ${service} is.`,
    "If it was not you, there is nothing to do: without your word nothing more is sent, and your address is forgotten in two days.",
  ];
  const link = { url: manageUrl, text: "Confirm" };
  return mailOf(context, { to, manageUrl }, id, { heading, lines, link, isQuestion: true });
}

/** To somebody who asked again. */
export function reminderMail(context: MailContext, recipient: Recipient, id: string): Mail {
  const heading = `You are subscribed to ${context.service} status`;
  const lines = ["Somebody asked to subscribe this address once more. It is subscribed already."];
  const link = { url: recipient.manageUrl, text: "Choose what you are told, or unsubscribe" };
  return mailOf(context, recipient, id, { heading, lines, link });
}

/** @param position of the change: makes the message's id */
export function noticeMail(
  context: MailContext,
  recipient: Recipient & { id: string },
  notice: Notice,
  position: number,
): Mail {
  const { title, message, components, startsAt, endsAt } = notice.data as {
    title: string;
    message?: string;
    components: string[];
    startsAt?: string;
    endsAt?: string;
  };
  const heading = `${wordsOf(notice)}: ${title}`;
  const lines = [
    ...(startsAt !== undefined && endsAt !== undefined
      ? [`${timeWords(startsAt)} to ${timeWords(endsAt)}`]
      : []),
    components.length > 0 ? `Affected: ${components.map((id) => context.nameOf(id)).join(", ")}` : "",
    timeWords(notice.at),
  ].filter((line) => line !== "");
  const link = { url: context.url + notice.path, text: "Read on" };
  const mail = mailOf(context, recipient, `${position}.${recipient.id}`, {
    ...{ heading, lines, link },
    ...(message !== undefined && message !== "" && { message }),
  });
  // Nobody has sent a message of this id: it only holds the conversation together.
  return { ...mail, inReplyTo: `<${notice.subjectId}@${context.domain}>` };
}

function wordsOf({ type, data }: Notice): string {
  if (type === "maintenance.scheduled") return "Scheduled maintenance";
  if (type === "maintenance.started") return "Maintenance has begun";
  if (type === "maintenance.completed") return "Maintenance is over";
  if (type === "maintenance.cancelled") return "Maintenance is cancelled";
  if (type === "status.changed") return STATUS_WORDS[data.to as ComponentStatus];
  const impact = IMPACT_WORDS[data.impact as IncidentImpact];
  const words = INCIDENT_WORDS[data.status as IncidentStatus];
  return type === "incident.opened" ? `${words} (${impact})` : words;
}

function mailOf(context: MailContext, { to, manageUrl }: Recipient, id: string, parts: Parts): Mail {
  const { service, domain } = context;
  const { heading, lines, message, link } = parts;
  // Some headings name it themselves.
  const title = heading.includes(service) ? heading : `[${service}] ${heading}`;
  const subject = title.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").slice(0, 200);
  const text = [
    heading,
    "",
    ...lines,
    ...(message === undefined ? [] : ["", message]),
    "",
    `${link.text}: ${link.url}`,
  ];
  const { why, manage } = footOf(parts, service);
  return {
    to,
    subject,
    // The signature's separator ends in a space (RFC 3676, 4.3).
    text: [...text, "", "-- ", why, ...(manage ? [`${manage}: ${manageUrl}`] : []), ""].join("\n"),
    html: document(subject, parts, service, manageUrl).text,
    messageId: `<${id}@${domain}>`,
    unsubscribeUrl: manageUrl,
  };
}

function footOf({ isQuestion }: Parts, service: string): { why: string; manage: string | undefined } {
  if (isQuestion === true) {
    return {
      why: `You get this one mail since your address was typed in at ${service} status.`,
      manage: undefined,
    };
  }
  const why = `You get this since this address is subscribed to ${service} status.`;
  return { why, manage: "Change or end it" };
}

/** Styles stand on each element: many mail programs leave out all others. Colours are such that dark modes may turn them around. */
function document(subject: string, parts: Parts, service: string, manageUrl: string): Markup {
  const { heading, lines, message, link } = parts;
  const { why, manage } = footOf(parts, service);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${subject}</title></head>
<body style="font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;max-width:600px;margin:0 auto;padding:24px 20px">
<p style="margin:0 0 4px;font-size:13px;font-weight:600;color:#767676">${service}</p>
<h1 style="font-size:20px;line-height:1.3;margin:0 0 12px">${heading}</h1>
${lines.map((line) => html`<p style="margin:0 0 8px">${line}</p>`)}
${message !== undefined && html`<div style="margin:16px 0;padding:2px 16px;border-left:4px solid #888">${paragraphs(message)}</div>`}
<p style="margin:20px 0"><a href="${link.url}" style="display:inline-block;padding:10px 20px;border-radius:8px;background:#0b57b7;color:#ffffff;font-weight:600;text-decoration:none">${link.text}</a></p>
<hr style="border:0;border-top:1px solid #888;margin:24px 0 12px">
<p style="font-size:13px;margin:0;color:#767676">${why}${manage !== undefined && html` <a href="${manageUrl}" style="color:inherit">${manage}</a>`}</p>
</body></html>
`;
}
