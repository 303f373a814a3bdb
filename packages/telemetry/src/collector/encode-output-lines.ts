import { NAME, VERSION } from "../exporters/otel/own-identity.ts";
import { encodeLogs } from "../otlp/encode-logs.ts";
import type { KeyValue, OtlpLogRecord } from "../otlp/model.ts";
import { attribute } from "../projections/otel-attribute.ts";
import { SEVERITY } from "../projections/otel-log-record.ts";
import { nanosOf } from "../projections/otel-time.ts";
import type { OutputLine, OutputLines } from "./output-lines.ts";

/**
 * Lines as an `ExportLogsServiceRequest` in protobuf: a record for each, on the exec's span, about the same Resource as what comes from
 * inside the sandbox. None has a severity: that a line is on stderr does not say how bad it is (`log.iostream` says where it is). That
 * lines were left out is a warning of its own.
 */
export function encodeOutputLines(batch: OutputLines): Buffer {
  const { lines, leftOut, execId } = batch;
  const exec = attribute("sandglass.exec.id", execId);
  const logRecords = lines.map((line) => recordOf(line, exec, batch));
  if (leftOut !== undefined) logRecords.push(leftOutRecord(leftOut, exec, batch));
  return encodeLogs({
    resourceLogs: [
      {
        resource: { attributes: resourceOf(batch) },
        scopeLogs: [{ scope: { name: NAME, version: VERSION }, logRecords }],
      },
    ],
  });
}

function resourceOf({ sandboxId, orgId, template, runId, serviceName }: OutputLines): KeyValue[] {
  return [
    attribute("service.name", serviceName),
    attribute("sandglass.sandbox.id", sandboxId),
    attribute("sandglass.org.id", orgId),
    attribute("sandglass.template.id", template),
    ...(runId === "" ? [] : [attribute("sandglass.run.id", runId)]),
    attribute("service.instance.id", sandboxId),
    attribute("container.id", sandboxId),
  ];
}

function recordOf(line: OutputLine, exec: KeyValue, batch: OutputLines): OtlpLogRecord {
  const { stream, text, timeMicros, cutFromBytes } = line;
  return {
    ...placeOf(batch, timeMicros),
    body: { stringValue: text },
    attributes: [
      attribute("log.iostream", stream),
      exec,
      ...(cutFromBytes === undefined
        ? []
        : [attribute("sandglass.log.truncated", true), attribute("sandglass.log.bytes", cutFromBytes)]),
    ],
  };
}

function leftOutRecord(
  { lines, bytes, timeMicros }: NonNullable<OutputLines["leftOut"]>,
  exec: KeyValue,
  batch: OutputLines,
): OtlpLogRecord {
  const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
  return {
    ...placeOf(batch, timeMicros),
    severityNumber: SEVERITY.warn.number,
    severityText: SEVERITY.warn.text,
    body: { stringValue: `${plural(lines, "line")} (${plural(bytes, "byte")}) left out` },
    attributes: [
      exec,
      attribute("sandglass.log.left_out.lines", lines),
      attribute("sandglass.log.left_out.bytes", bytes),
    ],
  };
}

function placeOf({ traceId, spanId, traceFlags }: OutputLines, timeMicros: number): OtlpLogRecord {
  const time = nanosOf(timeMicros);
  return { timeUnixNano: time, observedTimeUnixNano: time, flags: traceFlags, traceId, spanId };
}
