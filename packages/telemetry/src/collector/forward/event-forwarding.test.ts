import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RuntimeEvent } from "@sandglass/protocol";
import { logsFromProtobuf, metricsFromProtobuf, tracesFromProtobuf } from "../../otlp/from-protobuf.ts";
import type { KeyValue, OtlpSpan, Resource } from "../../otlp/model.ts";
import { HOST_OWNED_KEYS } from "../../otlp/relay/host-owned-keys.ts";
import { otelEvent } from "../../projections/testing/otel-events.ts";
import { type ProjectedRequest, SandboxEventProjector } from "./event-forwarding.ts";

const SANDBOX = "sbx_01m81fmvaxzshpc686q862kbs9";
const REQUEST = {
  sandboxId: "",
  runId: "",
  orgId: "acme",
  spanId: "aaaaaaaaaaaaaaaa",
  parentSpanId: "cccccccccccccccc",
};
const OWN = { sandboxId: SANDBOX, orgId: "acme" };
const EXEC = { spanId: "bbbbbbbbbbbbbbbb", parentSpanId: "aaaaaaaaaaaaaaaa" };

function created(): RuntimeEvent {
  return otelEvent("sandbox.created", { template: "analyst" }, { spanId: "dddddddddddddddd" });
}

function spansOf(requests: readonly ProjectedRequest[]): OtlpSpan[] {
  return requests
    .filter(({ signal }) => signal === "traces")
    .flatMap(({ body }) => tracesFromProtobuf(body).resourceSpans ?? [])
    .flatMap(({ scopeSpans = [] }) => scopeSpans.flatMap(({ spans = [] }) => spans));
}

function resourcesOf(requests: readonly ProjectedRequest[]): Resource[] {
  return requests
    .flatMap(({ signal, body }) => {
      if (signal === "traces") return tracesFromProtobuf(body).resourceSpans ?? [];
      if (signal === "logs") return logsFromProtobuf(body).resourceLogs ?? [];
      return metricsFromProtobuf(body).resourceMetrics ?? [];
    })
    .map(({ resource = {} }) => resource);
}

function plain(attributes: KeyValue[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value ?? {})[0]]));
}

describe("what the host says of a forwarded sandbox", () => {
  test("is one tree with the request above it, which has no parent but the caller's", () => {
    const requests = new SandboxEventProjector(OWN).project([
      created(),
      otelEvent("exec.started", {}, EXEC),
      otelEvent("exec.completed", {}, EXEC),
      otelEvent("http.request", { sandboxId: SANDBOX }, REQUEST),
    ]);
    const spans = spansOf(requests).map(({ name, spanId, parentSpanId }) => [name, spanId, parentSpanId]);
    assert.deepEqual(spans, [
      ["sandbox.create", "dddddddddddddddd", "b7ad6b7169203331"],
      ["sandbox.execute", EXEC.spanId, EXEC.parentSpanId],
      ["http_request", REQUEST.spanId, REQUEST.parentSpanId],
    ]);
    assert.deepEqual(requests.map(({ signal, items }) => [signal, items]).slice(0, 2), [
      ["traces", 3],
      // One for each event, and one for what the cell raised.
      ["logs", 5],
    ]);
  });

  test("stands on the resource that is stamped on what comes from inside, each key once", () => {
    const requests = new SandboxEventProjector(OWN).project([
      created(),
      otelEvent("exec.completed"),
      otelEvent("resource.sample"),
      otelEvent("http.request", { sandboxId: SANDBOX }, REQUEST),
    ]);
    assert.deepEqual(
      requests.map(({ signal }) => signal),
      ["traces", "logs", "metrics"],
    );
    const resources = resourcesOf(requests);
    assert.ok(resources.length >= 3);
    for (const { attributes = [] } of resources) {
      const said = plain(attributes);
      assert.deepEqual(Object.fromEntries(HOST_OWNED_KEYS.map((key) => [key, said[key]])), {
        "sandglass.sandbox.id": SANDBOX,
        "sandglass.org.id": "acme",
        "sandglass.template.id": "analyst",
        "sandglass.run.id": "run_1",
        "service.instance.id": SANDBOX,
        "container.id": SANDBOX,
      });
      assert.equal(said["service.name"], "sandglass");
      assert.equal(said["host.name"], undefined);
      assert.equal(new Set(attributes.map(({ key }) => key)).size, attributes.length);
    }
  });

  test("has metrics of it: samples and what its events are measured by", () => {
    const projector = new SandboxEventProjector({ ...OWN, temporality: "delta" });
    const requests = projector.project([
      created(),
      otelEvent("exec.completed"),
      otelEvent("resource.sample"),
    ]);
    const { body, items } = requests.find(({ signal }) => signal === "metrics")!;
    const metrics = metricsFromProtobuf(body).resourceMetrics!.flatMap(({ scopeMetrics = [] }) =>
      scopeMetrics.flatMap((scope) => scope.metrics ?? []),
    );
    const names = metrics.map(({ name }) => name);
    for (const name of ["sandglass.exec.duration", "sandglass.sandbox.memory.usage"])
      assert.ok(names.includes(name), name);
    const points = metrics.flatMap(
      (metric) => metric.gauge?.dataPoints ?? metric.sum?.dataPoints ?? metric.histogram?.dataPoints ?? [],
    );
    assert.equal(points.length, items);
    assert.equal(
      metrics.find(({ name }) => name === "sandglass.exec.duration")?.histogram?.aggregationTemporality,
      1,
    );
    assert.deepEqual(
      projector.project([otelEvent("exec.started")]).map(({ signal }) => signal),
      ["logs"],
    );
  });

  test("says nothing of other sandboxes, of the host, and of requests that were about neither", () => {
    const requests = new SandboxEventProjector(OWN).project([
      created(),
      otelEvent("exec.completed", {}, { sandboxId: "sbx_other" }),
      otelEvent("http.request", { sandboxId: "sbx_other" }, REQUEST),
      otelEvent("http.request", { sandboxId: "" }, REQUEST),
      otelEvent("host.started", {}, { sandboxId: "" }),
    ]);
    assert.deepEqual(
      spansOf(requests).map(({ name }) => name),
      ["sandbox.create"],
    );
    assert.equal(requests.find(({ signal }) => signal === "logs")?.items, 1);
    assert.deepEqual(
      new SandboxEventProjector(OWN).project([otelEvent("host.started", {}, { sandboxId: "" })]),
      [],
    );
  });

  test("says nothing of what another organisation tried, nor of a sandbox that is only mentioned", () => {
    const requests = new SandboxEventProjector(OWN).project([
      otelEvent("http.request", { sandboxId: SANDBOX }, { ...REQUEST, orgId: "other" }),
      otelEvent("exec.completed", {}, { orgId: "other" }),
      otelEvent("sandbox.created", { metadata: { sandboxId: SANDBOX } }, { sandboxId: "sbx_other" }),
    ]);
    assert.deepEqual(requests, []);
  });

  test("is about the sandbox that it was told, whatever comes first", () => {
    const requests = new SandboxEventProjector({ ...OWN, runId: "run_0" }).project([
      otelEvent("exec.completed", {}, { sandboxId: "sbx_other" }),
      otelEvent("http.request", { sandboxId: SANDBOX }, REQUEST),
    ]);
    assert.deepEqual(
      spansOf(requests).map(({ name }) => name),
      ["http_request"],
    );
    for (const { attributes } of resourcesOf(requests)) {
      const said = plain(attributes);
      assert.deepEqual([said["sandglass.sandbox.id"], said["sandglass.run.id"]], [SANDBOX, "run_0"]);
    }
  });

  test("names the template that it was told where the creation was before", () => {
    const requests = new SandboxEventProjector({ ...OWN, template: "analyst" }).project([
      otelEvent("exec.completed"),
    ]);
    for (const { attributes } of resourcesOf(requests)) {
      assert.equal(plain(attributes)["sandglass.template.id"], "analyst");
    }
  });

  test("comes in requests of no more than 512 events", () => {
    const events = Array.from({ length: 1200 }, () => otelEvent("exec.streamed"));
    const requests = new SandboxEventProjector(OWN).project(events);
    assert.deepEqual(
      requests.map(({ items }) => items),
      [512, 512, 176],
    );
  });
});
