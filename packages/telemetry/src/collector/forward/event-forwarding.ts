import type { RuntimeEvent } from "@sandglass/protocol";
import { NAME, VERSION } from "../../exporters/otel/own-identity.ts";
import { encodeLogs } from "../../otlp/encode-logs.ts";
import { encodeMetrics } from "../../otlp/encode-metrics.ts";
import { encodeTraces } from "../../otlp/encode-traces.ts";
import type { KeyValue, MetricsData, OtlpMetric, Signal } from "../../otlp/model.ts";
import { attribute } from "../../projections/otel-attribute.ts";
import { openingAttributes } from "../../projections/otel-attributes.ts";
import { projectBatch } from "../../projections/otel-batch.ts";
import { OtelMemory } from "../../projections/otel-memory.ts";
import { EventMetrics, isMeasured, type Temporality } from "../../projections/otel-metrics.ts";
import { eventResource, serviceResource } from "../../projections/otel-resource.ts";
import { isSample, SampleProjection } from "../../projections/otel-samples.ts";
import { subjectOf } from "./event-subject.ts";

/** In one request, as the otel exporter has it: an event may hold kilobytes of output. */
const MAX_EVENTS = 512;
const SCOPE = { name: NAME, version: VERSION };
/** A sandbox's owner need not know where it runs. */
const OF_THE_HOST = new Set(["host.name", "service.instance.id"]);

/** One request: an `Export…ServiceRequest` in protobuf. */
export interface ProjectedRequest {
  readonly signal: Signal;
  readonly body: Uint8Array;
  /** Spans, log records or data points. */
  readonly items: number;
}

export interface ProjectorOptions {
  /** The sandbox, and whose it is: what others did about it is not said. */
  sandboxId: string;
  orgId: string;
  /** Of the sandbox, where its creation may not be among the events. Default: of the first event that has one. */
  runId?: string | undefined;
  /** Of the sandbox, where its creation may not be among the events: after a restart. */
  template?: string | undefined;
  /** Of metrics. Default "cumulative". */
  temporality?: Temporality | undefined;
}

/**
 * What the host has to say of one sandbox, for its owner: spans, log records and metrics as the otel exporter makes them, on a resource
 * with the identity that the collector stamps on what comes from inside, so that both are about the same thing. Requests to the API that
 * were about the sandbox are its own here: without `http_request` the spans of its execs would have no parent.
 */
export class SandboxEventProjector {
  readonly #sandboxId: string;
  readonly #orgId: string;
  readonly #template: string | undefined;
  readonly #memory = new OtelMemory(openingAttributes);
  readonly #metrics: EventMetrics;
  readonly #samples: SampleProjection;
  #runId: string;
  #service: readonly KeyValue[] = [];

  constructor({ sandboxId, orgId, runId = "", template, temporality = "cumulative" }: ProjectorOptions) {
    this.#sandboxId = sandboxId;
    this.#orgId = orgId;
    this.#runId = runId;
    this.#template = template;
    this.#metrics = new EventMetrics({ temporality });
    this.#samples = new SampleProjection(temporality);
  }

  /** @param events in the order of the log, each once. What is about another sandbox, or none, or another organisation's is left out */
  project(events: readonly RuntimeEvent[]): ProjectedRequest[] {
    const own = events.flatMap((event) => this.#ownOf(event) ?? []);
    const requests: ProjectedRequest[] = [];
    for (let at = 0; at < own.length; at += MAX_EVENTS)
      requests.push(...this.#projectSome(own.slice(at, at + MAX_EVENTS)));
    return requests;
  }

  /**
   * The spans of agents' runs, agents and calls of tools that the sandbox was used in: without them what was asked for there would have no
   * parent. They are no sandbox's, and are on a resource of their own.
   *
   * @param events `endsSpanAbove`, of the owner's organisation
   */
  projectAbove(events: readonly RuntimeEvent[]): ProjectedRequest[] {
    const { traces, spanCount } = projectBatch(events, () => ({ traces: true, logs: false }), {
      service: ownService(),
      scope: SCOPE,
      memory: this.#memory,
    });
    return spanCount === 0 ? [] : [{ signal: "traces", body: encodeTraces(traces), items: spanCount }];
  }

  #projectSome(events: readonly RuntimeEvent[]): ProjectedRequest[] {
    const [memory, scope] = [this.#memory, SCOPE];
    // Told of all first: the template stands on the resource.
    for (const event of events) memory.observe(event);
    const service = this.#serviceOf();
    const wanted = { traces: true, logs: true };
    const { traces, logs, spanCount, logCount } = projectBatch(events, () => wanted, {
      service,
      scope,
      memory,
    });
    const metrics = this.#metricsOf(events, service);
    const requests: ProjectedRequest[] = [
      { signal: "traces", body: encodeTraces(traces), items: spanCount },
      { signal: "logs", body: encodeLogs(logs), items: logCount },
      { signal: "metrics", body: encodeMetrics(metrics), items: countPoints(metrics) },
    ];
    return requests.filter(({ items }) => items > 0);
  }

  #metricsOf(events: readonly RuntimeEvent[], service: readonly KeyValue[]): MetricsData {
    const [memory, scope] = [this.#memory, SCOPE];
    for (const event of events)
      if (isMeasured(event) && !isSample(event)) this.#metrics.absorb(event, memory);
    const resourceMetrics = this.#samples.project(events.filter(isSample), { service, scope, memory });
    const metrics = this.#metrics.collect();
    const [first] = events;
    if (metrics.length > 0 && first !== undefined) {
      const about = { ...first, runId: this.#runId };
      const resource = { attributes: eventResource(about, service, memory) };
      resourceMetrics.push({ resource, scopeMetrics: [{ scope, metrics }] });
    }
    return { resourceMetrics };
  }

  /** An event as one of the sandbox; undefined for what is not about it, or of somebody else who only tried. */
  #ownOf(event: RuntimeEvent): RuntimeEvent | undefined {
    const sandboxId = this.#sandboxId;
    if (event.orgId !== this.#orgId || subjectOf(event) !== sandboxId) return undefined;
    if (this.#runId === "") this.#runId = event.runId;
    return { ...event, sandboxId, runId: event.runId || this.#runId };
  }

  /** What stands on everything, behind which `eventResource` puts the rest of the identity. */
  #serviceOf(): readonly KeyValue[] {
    if (this.#service.length > 0) return this.#service;
    const identity = [
      attribute("service.instance.id", this.#sandboxId),
      attribute("container.id", this.#sandboxId),
    ];
    const list = [...ownService(), ...identity];
    if (this.#memory.sandbox(this.#sandboxId) !== undefined) this.#service = list;
    else if (this.#template !== undefined)
      return [...list, attribute("sandglass.template.id", this.#template)];
    return list;
  }
}

function ownService(): KeyValue[] {
  const service = serviceResource({ name: NAME, version: VERSION, attributes: {} });
  return service.filter(({ key }) => !OF_THE_HOST.has(key));
}

function countPoints({ resourceMetrics = [] }: MetricsData): number {
  let points = 0;
  for (const { scopeMetrics = [] } of resourceMetrics) {
    for (const { metrics = [] } of scopeMetrics)
      for (const metric of metrics) points += pointsOf(metric).length;
  }
  return points;
}

function pointsOf({ gauge, sum, histogram }: OtlpMetric): readonly unknown[] {
  return gauge?.dataPoints ?? sum?.dataPoints ?? histogram?.dataPoints ?? [];
}
