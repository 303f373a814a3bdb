import type { TraceSpan } from "@sandglass/protocol";

const MAX_LENGTH = 100;
/** The first that a span has says what it was about. */
const NAMES = [
  "process.command_line",
  "sandglass.exec.code",
  "file.path",
  "gen_ai.tool.name",
  "gen_ai.request.model",
  "db.query.summary",
  "sandglass.fork.children",
  "sandglass.merge.winner",
  "sandglass.template.id",
];

/** What a span was about, in a few words: a request's route, the beginning of a cell, a file's path. "" where it does not say. */
export function spanSubject({ name, attributes }: Pick<TraceSpan, "name" | "attributes">): string {
  const subject = requestSubject(attributes) ?? firstOf(attributes) ?? "";
  // A name that says it already is not said twice.
  if (name.includes(subject)) return "";
  return subject
    .replace(/^\/workspace\//, "")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, MAX_LENGTH);
}

function requestSubject(attributes: TraceSpan["attributes"]): string | undefined {
  const method = attributes["http.request.method"];
  if (method === undefined) return undefined;
  const path = attributes["http.route"] ?? attributes["url.path"] ?? attributes["server.address"] ?? "";
  // The part that tells routes apart stands where there is room for it.
  const short = String(path)
    .replace(/^\/v1(?=\/)/, "")
    .replace(/\{\w+\+?\}/g, "…");
  return `${String(method)} ${short}`;
}

function firstOf(attributes: TraceSpan["attributes"]): string | undefined {
  for (const name of NAMES) {
    const value = attributes[name];
    if (typeof value === "string" && value !== "") return value;
  }
  return undefined;
}
