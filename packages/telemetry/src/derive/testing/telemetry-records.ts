import assert from "node:assert/strict";
import { validateEvent } from "@sandglass/protocol/schemas";
import type { TelemetryRecord } from "../../collector/telemetry-record.ts";
import { encodeLogs } from "../../otlp/encode-logs.ts";
import { encodeTraces } from "../../otlp/encode-traces.ts";
import type { AnyValue, KeyValue, LogsData, OtlpLogRecord, OtlpSpan, TracesData } from "../../otlp/model.ts";
import type { DerivedEvent, DerivedType } from "../derived-event.ts";
import { Deriver, type DeriverOptions } from "../deriver.ts";

export const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
/** 2026-10-04T13:00:00Z, in seconds. */
export const START = 1_791_118_800;
export const SANDBOX_ID = "sbx_01m81fmvaxzshpc686q862kbs9";

type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

/** A span in few words. Starts at {@link START} and takes a second, unless it says otherwise. */
export interface SpanFixture {
  name: string;
  /** 1, 2, …: becomes a span's id. */
  id: number;
  parent?: number;
  scope?: string;
  attributes: Record<string, Plain>;
  status?: OtlpSpan["status"];
  traceId?: string;
  startSeconds?: number;
  endSeconds?: number;
}

export interface LogFixture extends Omit<OtlpLogRecord, "attributes" | "body"> {
  body?: string;
  attributes: Record<string, Plain>;
}

/** Numbers without a fraction become integers, as SDKs write them. */
export function anyValue(value: Plain): AnyValue {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number")
    return Number.isInteger(value) ? { intValue: value } : { doubleValue: value };
  if (value === null) return {};
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  return { kvlistValue: { values: keyValues(value) } };
}

export function keyValues(attributes: Record<string, Plain>): KeyValue[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

export function spanIdOf(id: number): string {
  return id.toString(16).padStart(16, "0");
}

export function spans(...fixtures: SpanFixture[]): TracesData {
  const scopeSpans = fixtures.map(({ scope = "test", ...fixture }) => ({
    scope: { name: scope },
    spans: [spanOf(fixture)],
  }));
  return {
    resourceSpans: [{ resource: { attributes: keyValues({ "service.name": "agent" }) }, scopeSpans }],
  };
}

function spanOf(fixture: Omit<SpanFixture, "scope">): OtlpSpan {
  const { name, id, parent, attributes, status, traceId = TRACE_ID } = fixture;
  const { startSeconds = START, endSeconds = startSeconds + 1 } = fixture;
  return {
    traceId,
    spanId: spanIdOf(id),
    ...(parent !== undefined && { parentSpanId: spanIdOf(parent) }),
    name,
    kind: 1,
    startTimeUnixNano: nanos(startSeconds),
    endTimeUnixNano: nanos(endSeconds),
    attributes: keyValues(attributes),
    ...(status && { status }),
  };
}

/** Log records of one scope and service, at {@link START} unless they say otherwise. */
export function logs(source: { scope: string; service: string }, ...fixtures: LogFixture[]): LogsData {
  const logRecords = fixtures.map(({ body, attributes, ...rest }) => ({
    timeUnixNano: nanos(START),
    ...rest,
    ...(body !== undefined && { body: { stringValue: body } }),
    attributes: keyValues(attributes),
  }));
  const resource = { attributes: keyValues({ "service.name": source.service }) };
  return { resourceLogs: [{ resource, scopeLogs: [{ scope: { name: source.scope }, logRecords }] }] };
}

export function nanos(seconds: number): string {
  return `${Math.round(seconds * 1e6)}000`;
}

/** As the log of telemetry has it; from a program with a key unless it says otherwise. */
export function telemetryRecord(
  data: TracesData | LogsData,
  head: Partial<TelemetryRecord> = {},
): TelemetryRecord {
  const isTraces = "resourceSpans" in data;
  return {
    signal: isTraces ? "traces" : "logs",
    origin: "client",
    receivedAt: (START + 60) * 1000,
    items: 1,
    orgId: "default",
    sandboxId: head.origin === "sandbox" ? SANDBOX_ID : "",
    runId: "",
    destinationId: "",
    isForwardOnly: false,
    body: isTraces ? encodeTraces(data) : encodeLogs(data as LogsData),
    ...head,
  };
}

/** What is derived from requests that come in this order; each event is held to the schema of events. */
export function derive(
  requests: readonly (TracesData | LogsData)[],
  options: DeriverOptions = {},
): DerivedEvent[] {
  const deriver = new Deriver(options);
  return requests.flatMap((data) => deriver.derive(telemetryRecord(data))).map(checkEvent);
}

/** Fails where an event is none that the record could take. */
export function checkEvent(event: DerivedEvent): DerivedEvent {
  const checked = validateEvent({
    ...event,
    id: "evt_01a202fa-6d56-74de-961a-3e830a038ba0",
    seq: 1,
    orgId: "default",
    sandboxId: "",
    runId: "",
  });
  assert.deepEqual(checked.data, event.data);
  return event;
}

/** Types and data, which is what most tests are about; without the origin, which is the same in all. */
export function said(events: readonly DerivedEvent[]): [DerivedType, Record<string, unknown>][] {
  return events.map(({ type, data }) => {
    const { origin, ...rest } = data;
    assert.equal(origin, "client");
    return [type, rest];
  });
}
