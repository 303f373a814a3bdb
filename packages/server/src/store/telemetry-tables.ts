import {
  type KeyValue,
  logsFromProtobuf,
  type OtlpLogRecord,
  type OtlpSpan,
  type Resource,
  type Scope,
  type TelemetryRecord,
  tracesFromProtobuf,
} from "@sandglass/telemetry/reading";
import { plainAttributes, plainValue } from "./plain-attributes.ts";
import { ORIGIN, type SpanTable, STATUS_ERROR, type TelemetryPlace } from "./span-table.ts";
import type { Statements } from "./statements.ts";

/** A clock may be wrong, by chance or on purpose; one that is further ahead than an hour is not believed. */
const MAX_AHEAD_MICROS = 3_600_000_000;
/** Nor does a sandbox tell of what was weeks before: it would put its trace where nobody looks. */
const MAX_BEHIND_MICROS = 7 * 86_400_000_000;
/** Of one log record's body; the rest is cut, and said. */
const MAX_BODY_CHARS = 64 * 1024;

/** Puts what programs sent with OTLP into the tables of spans and log records. */
export class TelemetryTables {
  readonly #statements: Statements;
  readonly #spans: SpanTable;

  constructor(statements: Statements, spans: SpanTable) {
    this.#statements = statements;
    this.#spans = spans;
  }

  /** @throws where the bytes are no such request */
  apply(record: TelemetryRecord, place: TelemetryPlace): void {
    if (record.signal === "traces") this.#addTraces(record, place);
    else if (record.signal === "logs") this.#addLogs(record, place);
  }

  #addTraces({ body, receivedAt }: TelemetryRecord, place: TelemetryPlace): void {
    for (const { resource, scopeSpans } of tracesFromProtobuf(body).resourceSpans ?? []) {
      const about = describe(resource);
      for (const { scope, spans } of scopeSpans ?? []) {
        for (const span of spans ?? []) this.#addSpan(span, { about, scope, receivedAt, place });
      }
    }
  }

  #addSpan(span: OtlpSpan, { about, scope, receivedAt, place }: Context): void {
    const start = believable(microsOfNano(span.startTimeUnixNano), receivedAt, place);
    const end = believable(microsOfNano(span.endTimeUnixNano), receivedAt, place);
    this.#spans.add(
      {
        trace: span.traceId ?? "",
        span: span.spanId ?? "",
        parent: span.parentSpanId ?? "",
        name: span.name ?? "",
        kind: span.kind ?? 0,
        start,
        duration: Math.max(0, end - start),
        status: span.status?.code === STATUS_ERROR ? STATUS_ERROR : (span.status?.code ?? 0),
        message: span.status?.message,
        service: about.service,
        resource: about.attributes,
        scope: describeScope(scope),
        attributes: plainAttributes(span.attributes),
        events: span.events?.map((event) => ({
          time: microsOfNano(event.timeUnixNano),
          name: event.name,
          attributes: plainAttributes(event.attributes),
        })),
        links: span.links?.map(({ traceId, spanId, attributes }) => ({
          traceId,
          spanId,
          attributes: plainAttributes(attributes),
        })),
      },
      place,
    );
  }

  #addLogs({ body, receivedAt }: TelemetryRecord, place: TelemetryPlace): void {
    for (const { resource, scopeLogs } of logsFromProtobuf(body).resourceLogs ?? []) {
      const about = describe(resource);
      for (const { scope, logRecords } of scopeLogs ?? []) {
        for (const record of logRecords ?? []) this.#addLog(record, { about, scope, receivedAt, place });
      }
    }
  }

  #addLog(record: OtlpLogRecord, { about, scope, receivedAt, place }: Context): void {
    const { org, origin, sandbox, run } = place;
    const nano = [record.timeUnixNano, record.observedTimeUnixNano].find((time) => Number(time ?? 0) > 0);
    const time = believable(microsOfNano(nano), receivedAt, place);
    this.#statements.run(
      `INSERT INTO logs (org, time, severity, body, trace, span, origin, sandbox, run, service, name, resource, scope, attributes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[
        org,
        time,
        record.severityNumber ?? 0,
        bodyText(record),
        record.traceId ?? "",
        record.spanId ?? "",
        origin,
      ],
      ...[sandbox ?? null, run ?? null, about.service, record.eventName ?? null],
      ...[this.#spans.originKey(about.attributes), this.#spans.originKey(describeScope(scope))],
      JSON.stringify(plainAttributes(record.attributes)),
    );
  }
}

interface Context {
  about: Described;
  scope: Scope | undefined;
  /** Unix milliseconds. */
  receivedAt: number;
  place: TelemetryPlace;
}

interface Described {
  service: string;
  attributes: Record<string, unknown>;
}

function describe(resource: Resource | undefined): Described {
  const attributes = plainAttributes(resource?.attributes as KeyValue[] | undefined);
  const service = attributes["service.name"];
  return { service: typeof service === "string" ? service : "", attributes };
}

function describeScope(scope: Scope | undefined): object | undefined {
  if (scope === undefined || (scope.name ?? "") === "") return undefined;
  return { name: scope.name, ...(scope.version !== undefined && { version: scope.version }) };
}

/** The body of a record that has none is its name. */
function bodyText({ body, eventName }: OtlpLogRecord): string {
  const value = body === undefined ? (eventName ?? "") : plainValue(body, 0);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length <= MAX_BODY_CHARS
    ? text
    : `${text.slice(0, MAX_BODY_CHARS)}… (${text.length - MAX_BODY_CHARS} more characters)`;
}

/** Unix microseconds; when it was received where it says nothing, or what cannot be. */
function believable(micros: number, receivedAt: number, { origin }: TelemetryPlace): number {
  const received = Math.round(receivedAt * 1000);
  const isTooOld = origin === ORIGIN.sandbox && micros < received - MAX_BEHIND_MICROS;
  return micros === 0 || isTooOld || micros > received + MAX_AHEAD_MICROS ? received : micros;
}

/** Unix microseconds of nanoseconds that are decimal text; what is none, or lies beyond the year 280,000, is 0. */
function microsOfNano(nano: string | undefined): number {
  if (nano === undefined || !/^\d{1,20}$/.test(nano)) return 0;
  const micros = Number(BigInt(nano) / 1000n);
  return Number.isSafeInteger(micros) ? micros : 0;
}
