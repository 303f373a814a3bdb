import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeMetrics } from "../encode-metrics.ts";
import type { KeyValue, OtlpMetric } from "../model.ts";
import { sized } from "../relay/testing/forge.ts";
import { MetricStreams } from "./metric-streams.ts";

const MANY = 1_000_000;

function attributes(values: Record<string, string>): KeyValue[] {
  return Object.entries(values).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

function gauge(name: string, points: Record<string, string>[], rest: Partial<OtlpMetric> = {}): OtlpMetric {
  const dataPoints = points.map((values) => ({
    timeUnixNano: "1776510028036000000",
    asInt: "9007199254740993",
    attributes: attributes(values),
  }));
  return { name, gauge: { dataPoints }, ...rest };
}

function request(metrics: OtlpMetric[], resource: Record<string, string> = {}, scope = "meter"): Buffer {
  const scopeMetrics = [{ scope: { name: scope }, metrics }];
  return encodeMetrics({
    resourceMetrics: [{ resource: { attributes: attributes(resource) }, scopeMetrics }],
  });
}

function countOf(...requests: Uint8Array[]): number {
  const streams = new MetricStreams();
  for (const bytes of requests) assert.deepEqual(streams.add(bytes, MANY), []);
  return streams.count;
}

test("a point with the same name and attributes is of the same stream, in whatever order and request", () => {
  const points = [
    { method: "GET", route: "/" },
    { method: "GET", route: "/" },
    { route: "/", method: "GET" },
  ];
  assert.equal(countOf(request([gauge("calls", points)]), request([gauge("calls", [points[2]!])])), 1);
});

test("any difference in resource, scope, name, unit, kind or attributes makes another stream", () => {
  const point = { method: "GET" };
  const sum = { name: "calls", sum: { dataPoints: [{ attributes: attributes(point) }] } };
  const requests = [
    request([gauge("calls", [point])]),
    request([gauge("calls", [point])], { "service.name": "worker" }),
    request([gauge("calls", [point])], {}, "other meter"),
    request([gauge("called", [point])]),
    request([gauge("calls", [point], { unit: "s" })]),
    request([sum]),
    request([gauge("calls", [{}])]),
    request([gauge("calls", [{ method: "PUT" }])]),
    request([gauge("calls", [{ method: "GET", route: "" }])]),
    // A string moved from one place to another.
    request([gauge("call", [{ smethod: "GET" }])]),
  ];
  assert.equal(countOf(...requests), requests.length);
  assert.equal(countOf(...requests, ...requests), requests.length);
});

test("the attributes of every kind of data point are found", () => {
  const dataPoints = ["a", "b", "a"].map((route) => ({ attributes: attributes({ route }) }));
  const kinds: OtlpMetric[] = [
    { name: "m", gauge: { dataPoints } },
    { name: "m", sum: { dataPoints } },
    { name: "m", histogram: { dataPoints } },
    { name: "m", exponentialHistogram: { dataPoints } },
    { name: "m", summary: { dataPoints } },
  ];
  assert.equal(countOf(request(kinds)), 2 * kinds.length);
});

test("fields may come in any order", () => {
  const point = (route: string): Buffer => sized(1, sized(7, sized(1, "route"), sized(2, sized(1, route))));
  const data = sized(5, point("a"), point("b"));
  const resource = sized(1, sized(1, sized(1, "host"), sized(2, sized(1, "h"))));
  const [name, scope] = [sized(1, "calls"), sized(1, sized(1, "meter"))];
  const usual = sized(1, resource, sized(2, scope, sized(2, name, data)));
  const reversed = sized(1, sized(2, sized(2, data, name), scope), resource);
  assert.equal(countOf(usual, reversed), 2);
});

test("beyond the limit the points of new streams are named by their place, known ones go on", () => {
  const streams = new MetricStreams();
  assert.deepEqual(streams.add(request([gauge("calls", [{ id: "1" }, { id: "2" }])]), 3), []);
  const mixed = [gauge("calls", [{ id: "3" }, { id: "4" }, { id: "1" }]), gauge("other", [{ id: "1" }, {}])];
  assert.deepEqual(streams.add(request(mixed), 3), [1, 3, 4]);
  assert.deepEqual(streams.add(request(mixed), 3), [1, 3, 4]);
  assert.equal(streams.count, 3);
});

test("a hundred thousand streams are told apart", () => {
  const streams = new MetricStreams();
  const points = Array.from({ length: 100_000 }, (_, id) => ({ id: String(id) }));
  const bytes = request([gauge("calls", points)]);
  assert.deepEqual(streams.add(bytes, points.length), []);
  assert.equal(streams.count, points.length);
  assert.equal(streams.add(request([gauge("more", points)]), points.length).length, points.length);
});
