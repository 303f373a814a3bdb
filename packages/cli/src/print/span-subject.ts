import type { TraceInfo, TraceSpan } from "sandglass";
import { shortened } from "./printable.ts";

/** A cell is told apart by its beginning; the whole of it is in the event. */
const SUBJECT_COLUMNS = 60;
const REASON_COLUMNS = 120;

type Attributes = TraceSpan["attributes"];

/** What a span was about, in a few words: a request's route, a cell's code, a file's path. */
export function spanSubject({ attributes, cause }: TraceSpan): string {
  const subject =
    requestSubject(attributes) ??
    first(
      attributes,
      "process.command_line",
      "sandglass.exec.code",
      "file.path",
      "gen_ai.tool.name",
      "gen_ai.agent.name",
      "sandglass.fork.children",
      "sandglass.merge.winner",
    ) ??
    [first(attributes, "sandglass.template.id"), first(attributes, "sandglass.sandbox.source")]
      .filter(Boolean)
      .join(" from ");
  const reason =
    first(attributes, "sandglass.reason", "error.message") ??
    // Any other cause says itself what kind of error it is.
    (cause === "exited" ? first(attributes, "error.type") : undefined);
  const shown = shortened(subject.replace(/\s+/g, " "), SUBJECT_COLUMNS);
  return reason === undefined ? shown : `${shown}  (${shortened(reason, REASON_COLUMNS)})`;
}

/** What a point in time says, as `name=value`. */
export function pointSubject(point: TraceInfo["events"][number]): string {
  return Object.entries(point.data)
    .filter(([, value]) => typeof value !== "object")
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(" ");
}

function requestSubject(attributes: Attributes): string | undefined {
  const method = first(attributes, "http.request.method");
  if (method === undefined) return undefined;
  const status = first(attributes, "http.response.status_code") ?? "";
  return `${method} ${first(attributes, "http.route", "url.path") ?? ""} ${status}`;
}

function first(attributes: Attributes, ...names: string[]): string | undefined {
  for (const name of names) {
    const value = attributes[name];
    if (value !== undefined && value !== "") return String(value);
  }
  return undefined;
}
