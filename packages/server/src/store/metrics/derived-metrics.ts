import type { RuntimeEvent } from "@sandglass/protocol";
import { ORIGIN, ORIGIN_NAMES, STATUS_ERROR, type StoredSpan, type TelemetryPlace } from "../span-table.ts";
import type { Statements } from "../statements.ts";
import type { StoredEvent } from "../stored-event.ts";
import { METRIC_TYPE, type MetricDefinition, type MetricTable } from "./metric-table.ts";
import { OpenPoints } from "./open-points.ts";

/** Series of one metric and organisation; what would be one more counts together, as OpenTelemetry's SDKs do it. */
const MAX_SERIES = { host: 2_000, programs: 500 };
const OVERFLOW = { "otel.metric.overflow": true };
/** Kinds of spans whose series is kept in memory. */
const MAX_SPAN_SERIES = 10_000;
/** Templates of sandboxes that are kept in memory. */
const MAX_TEMPLATES = 10_000;

const EXEC = seconds("sandglass.exec.duration", "How long execs took, from their start to their cause.");
const CREATE = seconds("sandglass.sandbox.create.duration", "How long sandboxes took to be there.");
const REQUEST = seconds("http.server.request.duration", "Duration of HTTP server requests.");
const SPAN = seconds("sandglass.span.duration", "How long spans took, the host's and those that were sent.");

/** Measurements of a metric since the last `settle`. */
interface Counted {
  metric: MetricDefinition;
  place: TelemetryPlace;
  points: number;
  lastAt: number;
}

/**
 * Metrics of what the record tells, in the minute that it happened, whenever it is read: filled again, they come out the same.
 * Histograms of every duration, whose counts are rates too.
 */
export class DerivedMetrics {
  readonly #statements: Statements;
  readonly #metrics: MetricTable;
  readonly #series = new Map<string, number>();
  readonly #spanSeries = new Map<string, number>();
  readonly #seriesCounts = new Map<string, number>();
  readonly #points: OpenPoints;
  readonly #counted = new Map<string, Counted>();
  #lastCounted: Counted | undefined;
  readonly #templates = new Map<number, string>();

  constructor(statements: Statements, metrics: MetricTable) {
    this.#statements = statements;
    this.#metrics = metrics;
    this.#points = new OpenPoints(statements);
  }

  addEvent({ event, org, sandbox, run, time }: StoredEvent): void {
    const place: TelemetryPlace = { org, sandbox, run, origin: ORIGIN.host };
    const measured = measuredOf(event);
    if (measured === undefined) return;
    const { metric, durationMs, attributes } = measured;
    const template = event.type === "exec.completed" ? this.#templateOf(sandbox) : undefined;
    const series = this.#seriesOf(metric, place, {
      ...attributes,
      ...(template !== undefined && { "sandglass.template.id": template }),
    });
    this.#record(metric, place, series, time, durationMs / 1000);
  }

  /** The series that a span counts in: what is known of its sandbox when the span is read. */
  spanSeries(span: StoredSpan, place: TelemetryPlace): number {
    const template = this.#templateOf(place.sandbox);
    const status = span.status === STATUS_ERROR ? "error" : "ok";
    const { name, service } = span;
    // It comes for every span: what its series has is made where that is new.
    const series = `${place.org} ${place.origin} ${status} ${template ?? ""}\u0000${service}\u0000${name}`;
    let key = this.#spanSeries.get(series);
    if (key === undefined) {
      const origin = ORIGIN_NAMES[place.origin];
      key = this.#seriesOf(SPAN, place, {
        "span.name": name,
        "service.name": service,
        "status.code": status,
        ...(template !== undefined && { "sandglass.template.id": template }),
        ...(origin !== undefined && { "sandglass.origin": origin }),
      });
      if (this.#spanSeries.size >= MAX_SPAN_SERIES) this.#spanSeries.clear();
      this.#spanSeries.set(series, key);
    }
    return key;
  }

  /** A span that is new. @param series see `spanSeries` */
  addSpan(span: StoredSpan, place: TelemetryPlace, series: number): void {
    this.#record(SPAN, place, series, span.start + span.duration, span.duration / 1e6);
  }

  /** At the end of a transaction: the points that changed. */
  settle(): void {
    this.#points.settle();
    for (const { metric, place, points, lastAt } of this.#counted.values()) {
      this.#metrics.count(metric, place, points, lastAt);
    }
    this.#counted.clear();
    this.#lastCounted = undefined;
  }

  /** After a transaction that was rolled back, or rows that were removed. */
  forget(): void {
    this.#series.clear();
    this.#spanSeries.clear();
    this.#seriesCounts.clear();
    this.#points.forget();
    this.#counted.clear();
    this.#lastCounted = undefined;
    this.#templates.clear();
  }

  #record(
    metric: MetricDefinition,
    place: TelemetryPlace,
    series: number,
    micros: number,
    value: number,
  ): void {
    this.#points.record(series, micros, value);
    const counted = this.#countedOf(metric, place);
    counted.points += 1;
    counted.lastAt = Math.max(counted.lastAt, micros);
  }

  #countedOf(metric: MetricDefinition, place: TelemetryPlace): Counted {
    const last = this.#lastCounted;
    if (last !== undefined && last.metric === metric && last.place.org === place.org) return last;
    const name = `${metric.name} ${place.org}`;
    let counted = this.#counted.get(name);
    if (counted === undefined) {
      counted = { metric, place, points: 0, lastAt: 0 };
      this.#counted.set(name, counted);
    }
    this.#lastCounted = counted;
    return counted;
  }

  /** They are about whole kinds of things: no series is of one sandbox or run. */
  #seriesOf(metric: MetricDefinition, place: TelemetryPlace, attributes: Record<string, unknown>): number {
    const { org, origin } = place;
    const group = `${metric.name} ${org} ${origin}`;
    const name = `${group} ${Object.values(attributes).join("\u0000")}`;
    const known = this.#series.get(name);
    if (known !== undefined) return known;
    const isHost = origin === ORIGIN.host;
    const count = this.#seriesCounts.get(group) ?? this.#metrics.countSeries(metric, place);
    const isOver = count >= (isHost ? MAX_SERIES.host : MAX_SERIES.programs);
    const about = {
      attributes: isOver ? OVERFLOW : attributes,
      resourceNames: [],
      resource: null,
      scope: null,
      origin,
    };
    // Derived by the host, whoever told what it is derived from.
    const key = this.#metrics.seriesKey(metric, about, {
      org,
      origin: ORIGIN.host,
      sandbox: undefined,
      run: undefined,
    });
    if (isOver) return key;
    this.#seriesCounts.set(group, count + 1);
    this.#series.set(name, key);
    return key;
  }

  #templateOf(sandbox: number | undefined): string | undefined {
    if (sandbox === undefined) return undefined;
    const known = this.#templates.get(sandbox);
    if (known !== undefined) return known;
    const row = this.#statements.get<{ template: string }>(
      "SELECT template FROM sandboxes WHERE key = ?",
      sandbox,
    );
    if (row === undefined || row.template === "") return undefined;
    if (this.#templates.size >= MAX_TEMPLATES) this.#templates.clear();
    this.#templates.set(sandbox, row.template);
    return row.template;
  }
}

function seconds(name: string, description: string): MetricDefinition {
  return { name, unit: "s", description, type: METRIC_TYPE.histogram, isDelta: true };
}

function measuredOf(event: RuntimeEvent) {
  switch (event.type) {
    case "exec.completed": {
      const { durationMs, cause, kind, language } = event.data;
      const attributes = {
        "sandglass.cause": cause,
        "sandglass.exec.kind": kind,
        ...(language !== undefined && { "sandglass.exec.language": language }),
      };
      return { metric: EXEC, durationMs, attributes };
    }
    case "sandbox.created": {
      const { durationMs, template, source } = event.data;
      const attributes = { "sandglass.template.id": template, "sandglass.sandbox.source": source };
      return { metric: CREATE, durationMs, attributes };
    }
    case "http.request": {
      const { durationMs, method, route, status } = event.data;
      const attributes = {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": status,
      };
      return { metric: REQUEST, durationMs, attributes };
    }
    default:
      return undefined;
  }
}
