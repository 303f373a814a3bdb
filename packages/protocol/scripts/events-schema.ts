import { EVENT_TYPES } from "../src/index.ts";
import { Cause, eventSchema, SandboxSource } from "../src/schemas/index.ts";
import { type Json, namedJsonSchemas } from "./json-schema.ts";

/** `spec/events.schema.json`: one definition an event type. */
export function eventsSchema(): Json {
  const events = EVENT_TYPES.map((type) => [type, eventSchema(type)] as const);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: "urn:sandglass:events",
    title: "Sandglass event",
    description:
      "One event of the record. Fields may be added within a major version; a reader passes over unknown ones.",
    oneOf: EVENT_TYPES.map((type) => ({ $ref: `#/$defs/${type}` })),
    $defs: namedJsonSchemas({ Cause, SandboxSource, ...Object.fromEntries(events) }, "#/$defs/"),
  };
}
