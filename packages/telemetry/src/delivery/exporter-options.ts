import { type ExporterSpec, nearestName, SandglassError } from "@sandglass/protocol";
import type { ExporterFilter } from "./event-selector.ts";

/** One exporter as a program may configure it: like the JSON, and functions besides. */
export interface ExporterOptions extends Omit<ExporterSpec, "filter" | "config"> {
  config?: object;
  filter?: ExporterFilter;
}

/** Who set an exporter, and what it may have. */
export interface ExporterOwner {
  origin: "config" | "api";
  /** Absent: events of every organisation, and the host's own. */
  orgId?: string | undefined;
  /** See `PrepareContext`. */
  isTrusted: boolean;
}

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const FIELDS = ["id", "provider", "config", "filter", "startAt", "required"];
const FILTER_FIELDS = ["types", "minLevel", "where", "condition"];

/** @throws SandglassError INVALID_REQUEST naming the field */
export function checkExporterOptions(options: ExporterOptions): void {
  checkFields(options, FIELDS, "an exporter");
  const { id, provider, config, filter, startAt, required } = options;
  if (typeof provider !== "string")
    throw invalid('provider is missing: say which exporter it is, e.g. "jsonl"');
  if (id !== undefined && !(typeof id === "string" && ID.test(id))) {
    throw invalid(
      "id must be up to 64 letters, digits, dots, dashes and underscores, a letter or digit first",
    );
  }
  if (config !== undefined && (typeof config !== "object" || config === null || Array.isArray(config))) {
    throw invalid("config must be an object");
  }
  if (required !== undefined && typeof required !== "boolean")
    throw invalid("required must be true or false");
  if (startAt !== undefined) parseStartAt(startAt);
  if (filter !== undefined) checkFilter(filter);
}

function checkFilter(filter: ExporterFilter): void {
  checkFields(filter, FILTER_FIELDS, "a filter");
  const { types, where, condition } = filter;
  if (types !== undefined && !(Array.isArray(types) && types.every((type) => typeof type === "string"))) {
    throw invalid('filter.types must be a list of texts like "exec.*"');
  }
  if (where !== undefined && typeof where !== "string") throw invalid("filter.where must be a text");
  if (condition !== undefined && typeof condition !== "function") {
    throw invalid("filter.condition must be a function; in JSON use filter.where");
  }
}

/** "earliest", "latest", or Unix time in milliseconds. Throws INVALID_REQUEST. */
export function parseStartAt(startAt: string): "earliest" | "latest" | number {
  if (startAt === "earliest" || startAt === "latest") return startAt;
  const time =
    typeof startAt === "string" && /^\d{4}-\d\d-\d\d/.test(startAt) ? Date.parse(startAt) : Number.NaN;
  if (Number.isNaN(time))
    throw invalid('startAt must be "earliest", "latest" or a time like 2026-01-31T12:00:00Z');
  return time;
}

function checkFields(given: object, known: readonly string[], what: string): void {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw invalid(`${what} must be an object`);
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    const advice = nearest === undefined ? `it takes ${known.join(", ")}` : `did you mean "${nearest}"?`;
    throw invalid(`${what} has no option "${name.slice(0, 64)}"; ${advice}`);
  }
}

function invalid(message: string): SandglassError {
  return new SandglassError("INVALID_REQUEST", message);
}
