import type { RuntimeEvent } from "@sandglass/protocol";
import { hasFailed } from "../../projections/span.ts";

export const CONSOLE_LEVELS = ["all", "sandbox", "exec", "agent", "error"] as const;
export type ConsoleLevel = (typeof CONSOLE_LEVELS)[number];

/** Whether an event is shown: of the family, or for `error` of that level or of something that failed. */
export function isShown(event: RuntimeEvent, level: ConsoleLevel): boolean {
  switch (level) {
    case "all":
      return true;
    case "error":
      return (
        event.level === "error" ||
        event.type.endsWith(".error") ||
        event.type === "exec.timed_out" ||
        hasFailed(event)
      );
    default:
      return event.type.startsWith(`${level}.`);
  }
}
