import type { RuntimeEvent } from "@sandglass/protocol";
import type { KeyValue, LogsData, OtlpLogRecord, OtlpSpan, Scope, TracesData } from "../otlp/model.ts";
import { attributesOf } from "./otel-attributes.ts";
import { toOtelExceptionRecord } from "./otel-exception-record.ts";
import { toOtelLogRecord } from "./otel-log-record.ts";
import type { OtelMemory } from "./otel-memory.ts";
import { eventResource } from "./otel-resource.ts";
import { toOtelSpan } from "./otel-span.ts";

/** What of an event is wanted. */
export interface Wanted {
  readonly traces: boolean;
  readonly logs: boolean;
}

export interface ProjectedBatch {
  readonly traces: TracesData;
  readonly logs: LogsData;
  readonly spanCount: number;
  readonly logCount: number;
}

interface Group {
  readonly sandboxId: string;
  readonly orgId: string;
  readonly runId: string;
  readonly resource: { attributes: KeyValue[] };
  readonly spans: OtlpSpan[];
  readonly logRecords: OtlpLogRecord[];
}

/**
 * Projects events, in the order of the log, to spans and log records, grouped by what they are about: an entry for each sandbox,
 * organisation and run. The same events give the same again.
 *
 * @param service attributes of what sends (`serviceResource`)
 * @param wanted of the event at this index
 */
export function projectBatch(
  events: readonly RuntimeEvent[],
  wanted: (index: number) => Wanted,
  {
    service,
    scope,
    memory,
  }: { service: readonly KeyValue[]; scope: Scope; memory: OtelMemory<readonly KeyValue[]> },
): ProjectedBatch {
  const groups = new Map<string, Group>();
  let group: Group | undefined;
  let spanCount = 0;
  let logCount = 0;
  for (const [index, event] of events.entries()) {
    memory.observe(event);
    const { traces, logs } = wanted(index);
    if (!traces && !logs) continue;
    if (group === undefined || !belongsTo(event, group)) {
      const key = `${event.sandboxId} ${event.orgId} ${event.runId}`;
      group = groups.get(key);
      if (group === undefined) {
        group = newGroup(event, eventResource(event, service, memory));
        groups.set(key, group);
      }
    }
    const attributes = attributesOf(event);
    const span = traces ? toOtelSpan(event, attributes, memory) : undefined;
    if (span !== undefined) {
      group.spans.push(span);
      spanCount++;
    }
    if (logs) {
      const exception = toOtelExceptionRecord(event);
      const records = [...(exception === undefined ? [] : [exception]), toOtelLogRecord(event, attributes)];
      group.logRecords.push(...records);
      logCount += records.length;
    }
  }
  const all = [...groups.values()];
  return {
    traces: {
      resourceSpans: all
        .filter(({ spans }) => spans.length > 0)
        .map(({ resource, spans }) => ({ resource, scopeSpans: [{ scope, spans }] })),
    },
    logs: {
      resourceLogs: all
        .filter(({ logRecords }) => logRecords.length > 0)
        .map(({ resource, logRecords }) => ({ resource, scopeLogs: [{ scope, logRecords }] })),
    },
    spanCount,
    logCount,
  };
}

function belongsTo(event: RuntimeEvent, group: Group): boolean {
  return event.sandboxId === group.sandboxId && event.runId === group.runId && event.orgId === group.orgId;
}

function newGroup({ sandboxId, orgId, runId }: RuntimeEvent, attributes: KeyValue[]): Group {
  return { sandboxId, orgId, runId, resource: { attributes }, spans: [], logRecords: [] };
}
