import { SandglassError } from "./errors.ts";
import { EVENT_TYPES, type EventType, LEVELS, type Level, type RuntimeEvent } from "./events.ts";
import { nearestName } from "./nearest-name.ts";

/** Which events a reader wants. What is left out lets everything through; what is given must hold together. */
export interface EventFilter {
  /**
   * Exact types (`exec.completed`), a family (`exec.*`), or `*`; with `!` in front, left out again whatever its place in the list.
   * A list of exclusions alone begins with everything. An empty list is everything.
   */
  types?: readonly string[];
  /** This level and the more severe ones. */
  minLevel?: Level;
  /** Asked last. One that throws lets the event through: a mistake in a filter must not lose a record. */
  condition?: (event: RuntimeEvent) => boolean;
}

export type EventPredicate = (event: RuntimeEvent) => boolean;

/**
 * Compiles a filter.
 *
 * @param onConditionError told of every throw of `condition`, e.g. to count it
 * @throws SandglassError INVALID_REQUEST where a pattern can match no known type, or the level is none
 * @example compileFilter({ types: ["exec.*", "!exec.streamed"], minLevel: "info" })
 */
export function compileFilter(
  filter: EventFilter,
  onConditionError?: (error: unknown, event: RuntimeEvent) => void,
): EventPredicate {
  const types = matchTypes(filter.types ?? []);
  const minRank = rankOf(filter.minLevel ?? "debug");
  const { condition } = filter;
  return (event) => {
    if (types !== undefined && !types.has(event.type)) return false;
    if (LEVELS.indexOf(event.level) < minRank) return false;
    if (condition === undefined) return true;
    try {
      return condition(event);
    } catch (error) {
      onConditionError?.(error, event);
      return true;
    }
  };
}

/**
 * Splits a comma-separated list of type patterns, as in a query or a flag, and checks each.
 *
 * @throws SandglassError INVALID_REQUEST naming the pattern that can match no known type
 * @example parseTypes("exec.*, sandbox.*") // ["exec.*", "sandbox.*"]
 */
export function parseTypes(text: string): string[] {
  const patterns = text
    .split(",")
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== "");
  matchTypes(patterns);
  return patterns;
}

/** The known types that the patterns select; undefined where that is all, so that a type of a later version passes too. */
function matchTypes(patterns: readonly string[]): ReadonlySet<EventType> | undefined {
  const included = patterns.filter((pattern) => !pattern.startsWith("!"));
  const excluded = patterns.filter((pattern) => pattern.startsWith("!")).map((pattern) => pattern.slice(1));
  const selected = new Set(included.length === 0 ? EVENT_TYPES : included.flatMap(typesOf));
  for (const type of excluded.flatMap(typesOf)) selected.delete(type);
  return selected.size === EVENT_TYPES.length ? undefined : selected;
}

function typesOf(pattern: string): readonly EventType[] {
  if (pattern === "*") return EVENT_TYPES;
  const types = pattern.endsWith(".*")
    ? EVENT_TYPES.filter((type) => type.startsWith(pattern.slice(0, -1)))
    : EVENT_TYPES.filter((type) => type === pattern);
  if (types.length > 0) return types;
  const families = new Set(EVENT_TYPES.map((type) => `${type.slice(0, type.indexOf("."))}.*`));
  const nearest = nearestName(pattern, [...EVENT_TYPES, ...families]);
  throw new SandglassError(
    "INVALID_REQUEST",
    `no event type matches "${pattern}"${nearest === undefined ? "" : `; did you mean "${nearest}"?`}`,
    {
      hint: `types are ${[...families].join(", ")} or exact ones like exec.completed; "!" in front leaves out`,
    },
  );
}

function rankOf(level: Level): number {
  const rank = LEVELS.indexOf(level);
  if (rank >= 0) return rank;
  throw new SandglassError("INVALID_REQUEST", `no level "${level}": use one of ${LEVELS.join(", ")}`);
}
