import { compileFilter, EVENT_TYPES, LEVELS, type Level, type RuntimeEvent } from "@sandglass/protocol";
import { Conditions } from "./conditions.ts";

/** Which events are wanted. */
export interface EventsWanted {
  orgId: string;
  types?: readonly string[] | undefined;
  minLevel?: Level | undefined;
  sandboxId?: string | undefined;
  runId?: string | undefined;
  traceId?: string | undefined;
}

/** Of columns of `events`. */
export function eventConditions(wanted: EventsWanted): Conditions {
  const { orgId, types, minLevel, traceId } = wanted;
  const conditions = new Conditions("position")
    .org(orgId)
    .about(wanted)
    .add("trace = ?", traceId)
    .add("level >= ?", minLevel === undefined ? undefined : LEVELS.indexOf(minLevel));
  if (types === undefined) return conditions;
  const passes = compileFilter({ types });
  const names = EVENT_TYPES.filter((type) => passes({ type, level: "error" } as RuntimeEvent));
  const list = "SELECT key FROM event_types WHERE name IN (SELECT value FROM json_each(?))";
  return conditions.add(`type IN (${list})`, JSON.stringify(names));
}
