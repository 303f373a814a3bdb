import type { EventType, RuntimeEvent } from "@sandglass/protocol";

/** Ends of the spans that requests about sandboxes stand below: of agents' runs, of agents in them, of calls of tools. */
const TYPES: ReadonlySet<EventType> = new Set<EventType>([
  "run.completed",
  "agent.completed",
  "agent.tool_result",
]);
const NEEDLES = [...TYPES].map((type) => Buffer.from(`"type":"${type}"`));

/** Whether a span may end with the event that this is, above what was asked of sandboxes. What is not parsed yet decides nothing else. */
export function mayEndSpanAbove(payload: Buffer): boolean {
  return NEEDLES.some((needle) => payload.includes(needle));
}

/** Whether one does. What is said inside a sandbox is passed on as it was said. */
export function endsSpanAbove(event: RuntimeEvent): boolean {
  return TYPES.has(event.type) && !("origin" in event.data);
}
