import type { OtlpRequest } from "../../../exporters/otel/testing/otlp-sink.ts";

interface Received {
  resourceSpans?: { scopeSpans?: { spans?: { name?: string }[] }[] }[];
  resourceLogs?: { scopeLogs?: { logRecords?: { body?: { stringValue?: string } }[] }[] }[];
}

/** Names of the spans of a request, or texts of its log records, in order. */
export function namesIn({ data }: Pick<OtlpRequest, "data">): string[] {
  const { resourceSpans = [], resourceLogs = [] } = data as Received;
  const spans = resourceSpans.flatMap(({ scopeSpans = [] }) =>
    scopeSpans.flatMap((scope) => scope.spans ?? []),
  );
  const records = resourceLogs.flatMap(({ scopeLogs = [] }) =>
    scopeLogs.flatMap((scope) => scope.logRecords ?? []),
  );
  return [...spans.map(({ name = "" }) => name), ...records.map(({ body }) => body?.stringValue ?? "")];
}

/** Of all requests that a sink took, in order of arrival. */
export function allNames(requests: readonly Pick<OtlpRequest, "data">[]): string[] {
  return requests.flatMap(namesIn);
}

/** "prefix 0", "prefix 1", … */
export function numbered(prefix: string, count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix} ${from + index}`);
}
