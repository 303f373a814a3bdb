import type { RuntimeEvent } from "@sandglass/protocol";
import type { KeyValue, OtlpLogRecord } from "../otlp/model.ts";
import { describeException } from "./exec-failure.ts";
import { attribute } from "./otel-attribute.ts";
import { SEVERITY } from "./otel-log-record.ts";
import { microsOf, nanosOf } from "./otel-time.ts";

/** Its name says what raised it, as the conventions want of it: a plain `exception` is any. */
const NAME = "exec.exception";

/**
 * What a cell raised and did not catch, as a log record by the semantic conventions for exceptions in logs, on the exec's span; undefined
 * of an event that has none. It is a record beside that of `exec.completed`: that one is of every exec, whatever its severity, and who
 * looks for exceptions looks for an error of that kind alone. Its `log.record.uid` is the event's id with `.exception`; there is no
 * `sandglass.event.id`, by which records of events are counted. Reads fields by their names alone.
 */
export function toOtelExceptionRecord(event: RuntimeEvent): OtlpLogRecord | undefined {
  if (event.type !== "exec.completed") return undefined;
  const { exception, execId, language, contextId } = event.data;
  if (exception === undefined) return undefined;
  const time = nanosOf(microsOf(event.timestamp));
  return {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber: SEVERITY.error.number,
    severityText: SEVERITY.error.text,
    body: { stringValue: describeException(exception) },
    attributes: [
      attribute("exception.type", exception.type),
      ...optional("exception.message", exception.message),
      ...optional("exception.stacktrace", exception.stacktrace),
      attribute("sandglass.exec.id", execId),
      ...optional("sandglass.exec.language", language),
      ...optional("sandglass.exec.context_id", contextId),
      attribute("log.record.uid", `${event.id}.exception`),
    ],
    traceId: event.traceId,
    spanId: event.spanId,
    eventName: NAME,
  };
}

function optional(key: string, value: string | undefined): KeyValue[] {
  return value === undefined ? [] : [attribute(key, value)];
}
