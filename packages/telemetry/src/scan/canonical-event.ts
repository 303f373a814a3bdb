import type { LogEvent } from "../delivery/log-event.ts";
import { ENVELOPE_FIELDS } from "./event-scan.ts";

/** An event that was not written as the recorder writes it, as if it had been. Undefined for a record that is no event. */
export function canonicalEvent(record: LogEvent): Buffer | undefined {
  const event = record.parse() as Readonly<Record<string, unknown>> | undefined;
  if (event === undefined) return undefined;
  const fields = ENVELOPE_FIELDS.map((name) => [name, event[name] ?? (name === "data" ? {} : "")]);
  return Buffer.from(JSON.stringify(Object.fromEntries(fields)));
}
