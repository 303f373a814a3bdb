import {
  metricsFromProtobuf,
  type OtlpMetric,
  plainAttributes,
  type ReadSpan,
  type Scope,
  SpanReader,
  type TelemetryRecord,
} from "@sandglass/telemetry/reading";
import { believableTime, microsOfNano } from "./believable-time.ts";
import { type Described, describe, describeScope } from "./described.ts";
import { logKey } from "./log-key.ts";
import type { MetricTable } from "./metrics/metric-table.ts";
import { plainMetric } from "./metrics/otlp-points.ts";
import { type PlainLog, plainLogs } from "./plain-logs.ts";
import type { SpanTable, StoredSpan, TelemetryPlace } from "./span-table.ts";
import type { Statements } from "./statements.ts";

const INSERT_LOG = `INSERT INTO logs (key, org, time, severity, body, trace, span, origin, sandbox, run, service, name, resource, scope,
  attributes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

/** Of one metric's name, unit and description. */
const MAX_METRIC_CHARS = 255;

/** Puts what programs sent with OTLP into the tables of spans, log records and metrics. */
export class TelemetryTables {
  readonly #statements: Statements;
  readonly #spans: SpanTable;
  readonly #metrics: MetricTable;
  readonly #spanReader = new SpanReader((resource, scope) => {
    const { service, attributes } = describe(resource);
    return { service, resource: attributes, scope: describeScope(scope) };
  });

  constructor(statements: Statements, spans: SpanTable, metrics: MetricTable) {
    this.#statements = statements;
    this.#spans = spans;
    this.#metrics = metrics;
  }

  /** @throws where the bytes are no such request */
  apply(record: TelemetryRecord, place: TelemetryPlace, position: number): void {
    if (record.signal === "traces") this.#addTraces(record, place);
    else if (record.signal === "logs") this.#addLogs(record, place, position);
    else this.#addMetrics(record, place);
  }

  #addMetrics({ body, receivedAt }: TelemetryRecord, place: TelemetryPlace): void {
    for (const { resource, scopeMetrics } of metricsFromProtobuf(body).resourceMetrics ?? []) {
      const about = describe(resource);
      for (const { scope, metrics } of scopeMetrics ?? []) {
        for (const metric of metrics ?? []) this.#addMetric(metric, { about, scope, receivedAt, place });
      }
    }
  }

  #addMetric(metric: OtlpMetric, { about, scope, receivedAt, place }: Context): void {
    const { type, isDelta, points } = plainMetric(metric);
    const [name, unit, description] = [metric.name, metric.unit, metric.description].map((text) =>
      (text ?? "").slice(0, MAX_METRIC_CHARS),
    ) as [string, string, string];
    const resourceNames = Object.keys(about.attributes);
    const origin = {
      resourceNames,
      resource: this.#spans.originKey(about.attributes),
      scope: this.#spans.originKey(describeScope(scope)),
    };
    for (const point of points) {
      const series = { ...origin, attributes: plainAttributes(point.attributes) };
      const time = believableTime(microsOfNano(point.timeUnixNano), receivedAt, place.origin);
      const start = microsOfNano(point.startTimeUnixNano);
      this.#metrics.add({ name, unit, description, type, isDelta }, series, place, {
        time,
        start,
        value: point.value,
      });
    }
  }

  #addTraces({ body, receivedAt }: TelemetryRecord, place: TelemetryPlace): void {
    this.#spanReader.read(body, (span, about) =>
      this.#spans.add(storedSpan(span, about, receivedAt, place), place),
    );
  }

  #addLogs(record: TelemetryRecord, place: TelemetryPlace, position: number): void {
    for (const log of plainLogs(record)) this.#addLog(log, place, position);
  }

  #addLog(log: PlainLog, { org, origin, sandbox, run }: TelemetryPlace, position: number): void {
    const values = [
      ...[org, log.time, log.severity, log.body, log.trace, log.span, origin, sandbox ?? null, run ?? null],
      ...[
        log.service,
        log.name ?? null,
        this.#spans.originKey(log.resource),
        this.#spans.originKey(log.scope),
      ],
      JSON.stringify(log.attributes),
    ];
    const own = logKey(position, log.index);
    // A number is taken where the log of telemetry was begun anew, and its places count from 1 again.
    const isFree = own !== undefined && this.#statements.run(INSERT_LOG, own, ...values) > 0;
    const key = isFree ? own : this.#statements.insert(INSERT_LOG, null, ...values);
    const text = log.name === undefined ? log.body : `${log.name} ${log.body}`;
    this.#statements.run("INSERT INTO logs_text (rowid, text) VALUES (?, ?)", key, text);
  }
}

interface Context {
  about: Described;
  scope: Scope | undefined;
  /** Unix milliseconds. */
  receivedAt: number;
  place: TelemetryPlace;
}

interface SpanOrigin {
  service: string;
  resource: object;
  scope: object | undefined;
}

function storedSpan(
  span: ReadSpan,
  about: SpanOrigin,
  receivedAt: number,
  place: TelemetryPlace,
): StoredSpan {
  const start = believableTime(span.start, receivedAt, place.origin);
  const end = believableTime(span.end, receivedAt, place.origin);
  return {
    trace: span.trace,
    span: span.span,
    parent: span.parent,
    name: span.name,
    kind: span.kind,
    start,
    duration: Math.max(0, end - start),
    status: span.status,
    message: span.message,
    service: about.service,
    resource: about.resource,
    scope: about.scope,
    attributes: span.attributes,
    hashes: span.hashes,
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
  };
}
