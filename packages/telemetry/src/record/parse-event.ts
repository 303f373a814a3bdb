import type { RuntimeEvent } from "@sandglass/protocol";

/** An event as the recorder wrote it. Undefined for a record that is whole and still none: it must not stop a reader. */
export function parseEvent(json: string): RuntimeEvent | undefined {
  try {
    const value = JSON.parse(json) as Partial<RuntimeEvent> | null;
    return typeof value?.type === "string" && typeof value.seq === "number"
      ? (value as RuntimeEvent)
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
