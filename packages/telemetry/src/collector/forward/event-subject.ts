import type { RuntimeEvent } from "@sandglass/protocol";

/** The sandbox that an event is about; "" for none. Requests name theirs in their data; what else is in there decides nothing. */
export function subjectOf(event: RuntimeEvent): string {
  return event.sandboxId || (event.type === "http.request" ? (event.data.sandboxId ?? "") : "");
}
