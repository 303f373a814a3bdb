import { createHash } from "node:crypto";
import type { LogEvent } from "../../delivery/log-event.ts";
import { eventTime } from "../http/event-time.ts";

export interface Message {
  /** `webhook-id`. */
  readonly id: string;
  readonly body: Buffer;
}

const COMMA = Buffer.from(",");
const END = Buffer.from("]}}");

/**
 * A batch as the one message it is sent as: `{"type":"sandglass.events","timestamp":…,"data":{"events":[…]}}`, the events byte for
 * byte as they are in the log, the time that of the last. The same batch is the same message with the same id, however often it is
 * sent and by whichever process: receivers know by it that they have it already.
 */
export function messageOf(events: readonly LogEvent[]): Message {
  const last = events.at(-1);
  const timestamp = (last && eventTime(last)) ?? "";
  const head = `{"type":"sandglass.events","timestamp":${JSON.stringify(timestamp)},"data":{"events":[`;
  const list = events.flatMap(({ payload }, index) => (index === 0 ? [payload] : [COMMA, payload]));
  const body = Buffer.concat([Buffer.from(head), ...list, END]);
  return { id: `msg_${createHash("sha256").update(body).digest("hex").slice(0, 32)}`, body };
}
