import type { MaintenanceInfo } from "@sandglass/protocol";
import type { Picture } from "../picture.ts";
import type { Links } from "./links.ts";

/** Octets of a line, its end not counted (RFC 5545 section 3.1). */
const LINE_OCTETS = 75;

/** Maintenance as a calendar (RFC 5545) that may be subscribed to. */
export function maintenanceCalendar(picture: Picture, links: Links): string {
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Sandglass//Status//EN",
    "CALSCALE:GREGORIAN",
    "METHOD:PUBLISH",
    `X-WR-CALNAME:${escapeText(`${picture.title} maintenance`)}`,
    ...picture.maintenances.flatMap((maintenance) => eventLines(maintenance, picture, links)),
    "END:VCALENDAR",
  ];
  return lines.map((line) => `${fold(line)}\r\n`).join("");
}

function eventLines(maintenance: MaintenanceInfo, { names }: Picture, links: Links): string[] {
  const { id, title, message, status, components, startsAt, endsAt, createdAt, endedAt } = maintenance;
  // What ended early ended then.
  const end = status === "completed" && endedAt !== undefined && endedAt < endsAt ? endedAt : endsAt;
  const affected = components.map((component) => names[component] ?? component).join(", ");
  const words = affected === "" ? message : `${message}\n\nAffects ${affected}`;
  return [
    "BEGIN:VEVENT",
    `UID:${id}@sandglass`,
    `DTSTAMP:${utc(endedAt ?? createdAt)}`,
    `DTSTART:${utc(startsAt)}`,
    `DTEND:${utc(end)}`,
    `SEQUENCE:${endedAt === undefined ? 0 : 1}`,
    `STATUS:${status === "cancelled" ? "CANCELLED" : "CONFIRMED"}`,
    "TRANSP:TRANSPARENT",
    `SUMMARY:${escapeText(`Maintenance: ${title}`)}`,
    `DESCRIPTION:${escapeText(words)}`,
    ...(links.hasOrigin ? [`URL:${links.absolute("/status/history")}#${id}`] : []),
    "END:VEVENT",
  ];
}

/** `20260418T140000Z` */
function utc(time: string): string {
  return `${new Date(time).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
}

/** RFC 5545 section 3.3.11. */
function escapeText(text: string): string {
  return text
    .replaceAll(/[\\;,]/g, (character) => `\\${character}`)
    .replaceAll(/\r?\n/g, "\\n")
    .replaceAll("\r", "");
}

/** Breaks a line that is too long, never inside a character. */
function fold(line: string): string {
  let folded = "";
  let octets = 0;
  for (const character of line) {
    const size = Buffer.byteLength(character);
    if (octets + size > LINE_OCTETS) {
      folded += "\r\n ";
      octets = 1;
    }
    folded += character;
    octets += size;
  }
  return folded;
}
