import type { EventType, RuntimeEvent } from "@sandglass/protocol";

/** These come by the second and say nothing in words. */
const WORDLESS: ReadonlySet<EventType> = new Set<EventType>(["resource.sample", "exec.streamed"]);
/** Of one event's words. */
const MAX_CHARS = 64 * 1024;

/** All texts in an event's data, to be searched for. */
export function eventWords({ type, data }: RuntimeEvent): string {
  if (WORDLESS.has(type)) return "";
  const texts: string[] = [];
  collect(data, texts);
  return texts.join(" ").slice(0, MAX_CHARS);
}

function collect(value: unknown, texts: string[]): void {
  if (typeof value === "string") texts.push(value);
  else if (typeof value === "object" && value !== null) {
    for (const part of Object.values(value)) collect(part, texts);
  }
}
