import type { EventType, Level, RuntimeEvent } from "@sandglass/protocol";
import type { KeyValue, OtlpLogRecord } from "../otlp/model.ts";
import { LOG_MESSAGES } from "./log-messages.ts";
import { attribute } from "./otel-attribute.ts";
import { microsOf, nanosOf } from "./otel-time.ts";

/** `SeverityNumber`: the first of each range. */
export const SEVERITY: Readonly<Record<Level, { number: number; text: string }>> = {
  debug: { number: 5, text: "DEBUG" },
  info: { number: 9, text: "INFO" },
  warn: { number: 13, text: "WARN" },
  error: { number: 17, text: "ERROR" },
};

/**
 * An event as a log record. Its name is the event's type, its body the message of the daemon's log (what the record is about stands
 * in the attributes), its trace and span those of the event. `log.record.uid` and `sandglass.event.id` are the event's id, which is
 * the same however often it is sent: the key to drop duplicates by. `sandglass.event.seq` counts per sandbox: a hole is a loss.
 *
 * @param attributes all that the event says (`attributesOf`)
 */
export function toOtelLogRecord(event: RuntimeEvent, attributes: readonly KeyValue[]): OtlpLogRecord {
  const severity = SEVERITY[event.level];
  const time = nanosOf(microsOf(event.timestamp));
  return {
    timeUnixNano: time,
    // The record was made where and when the event was: nobody observed it later.
    observedTimeUnixNano: time,
    severityNumber: severity.number,
    severityText: severity.text,
    body: { stringValue: bodyOf(event.type) },
    attributes: [
      ...attributes,
      attribute("log.record.uid", event.id),
      attribute("sandglass.event.id", event.id),
      attribute("sandglass.event.seq", event.seq),
    ],
    traceId: event.traceId,
    spanId: event.spanId,
    eventName: event.type,
  };
}

/** The body of the log record of an event of this type. */
export function bodyOf(type: EventType): string {
  // A type of a later version has no message yet.
  return LOG_MESSAGES[type]?.message ?? type;
}
