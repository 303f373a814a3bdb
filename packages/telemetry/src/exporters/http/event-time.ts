import type { LogEvent } from "../../delivery/log-event.ts";

const NAME = Buffer.from('"timestamp":"');
const QUOTE = 0x22;
/** The recorder writes id, seq and timestamp first, and none of the three can hold a quote. */
const START = Buffer.from('{"id":"evt_');
const WITHIN_BYTES = 128;

/** An event's timestamp, without parsing the event where it is as the recorder writes it. Undefined for a record that is no event. */
export function eventTime(event: LogEvent): string | undefined {
  const { payload } = event;
  if (payload.subarray(0, START.length).equals(START)) {
    const head = payload.subarray(0, WITHIN_BYTES);
    const name = head.indexOf(NAME);
    const end = name < 0 ? -1 : head.indexOf(QUOTE, name + NAME.length);
    if (end > 0) return head.toString("latin1", name + NAME.length, end);
  }
  return event.parse()?.timestamp;
}
