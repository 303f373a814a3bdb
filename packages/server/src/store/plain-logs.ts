import {
  logsFromProtobuf,
  type OtlpLogRecord,
  plainAttributes,
  plainValue,
  type TelemetryRecord,
} from "@sandglass/telemetry/reading";
import { believableTime, microsOfNano } from "./believable-time.ts";
import { describe, describeScope } from "./described.ts";
import { ORIGIN } from "./span-table.ts";

/** Of one log record's body; the rest is cut, and said. */
const MAX_BODY_CHARS = 64 * 1024;

/** A log record as the store keeps it and a tail shows it. */
export interface PlainLog {
  /** Its place in the request that it came with. */
  index: number;
  /** Unix microseconds. */
  time: number;
  severity: number;
  body: string;
  name: string | undefined;
  trace: string;
  span: string;
  service: string;
  resource: Record<string, unknown>;
  scope: object | undefined;
  attributes: Record<string, unknown>;
}

/** @throws where the bytes are no such request */
export function* plainLogs({ body, receivedAt, origin }: TelemetryRecord): Generator<PlainLog> {
  let index = 0;
  for (const { resource, scopeLogs } of logsFromProtobuf(body).resourceLogs ?? []) {
    const about = describe(resource);
    for (const { scope, logRecords } of scopeLogs ?? []) {
      const described = describeScope(scope);
      for (const record of logRecords ?? []) {
        const nano = [record.timeUnixNano, record.observedTimeUnixNano].find((time) => Number(time ?? 0) > 0);
        yield {
          index: index++,
          time: believableTime(microsOfNano(nano), receivedAt, ORIGIN[origin]),
          severity: record.severityNumber ?? 0,
          body: bodyText(record),
          name: record.eventName,
          trace: record.traceId ?? "",
          span: record.spanId ?? "",
          service: about.service,
          resource: about.attributes,
          scope: described,
          attributes: plainAttributes(record.attributes),
        };
      }
    }
  }
}

/** The body of a record that has none is its name. */
function bodyText({ body, eventName }: OtlpLogRecord): string {
  const value = body === undefined ? (eventName ?? "") : plainValue(body, 0);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length <= MAX_BODY_CHARS
    ? text
    : `${text.slice(0, MAX_BODY_CHARS)}… (${text.length - MAX_BODY_CHARS} more characters)`;
}
