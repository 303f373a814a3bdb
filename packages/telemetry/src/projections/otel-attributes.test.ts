import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnyValue } from "../otlp/model.ts";
import { attributesOf } from "./otel-attributes.ts";
import { eventAttributes } from "./span-attributes.ts";
import { otelEvent, otelEvents } from "./testing/otel-events.ts";
import { CONVENTIONAL_ATTRIBUTES } from "./testing/semantic-conventions.ts";

type Plain = string | number | boolean | undefined | Plain[];

function plain(value: AnyValue | undefined): Plain {
  const { stringValue, boolValue, intValue, doubleValue, arrayValue } = value ?? {};
  return arrayValue?.values?.map(plain) ?? stringValue ?? boolValue ?? intValue ?? doubleValue;
}

function attributes(event: Parameters<typeof attributesOf>[0]): Record<string, Plain> {
  return Object.fromEntries(attributesOf(event).map(({ key, value }) => [key, plain(value)]));
}

/** Every scalar in a payload, wherever it is. */
function scalarsOf(value: unknown): unknown[] {
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(scalarsOf) : [value];
}

for (const event of otelEvents()) {
  test(`${event.type} keeps everything it says in attributes, none of them twice`, () => {
    const list = attributesOf(event);
    const keys = list.map(({ key }) => key);
    assert.deepEqual(keys, [...new Set(keys)]);
    const values = Object.values(attributes(event)).flat();
    // What a cell raised is a log record of its own.
    const { exception: _, ...data } = event.data as { exception?: unknown };
    for (const scalar of scalarsOf(data)) assert.ok(values.includes(scalar as Plain), String(scalar));
  });

  test(`${event.type} has its own names beginning with "sandglass." and all others from the semantic conventions`, () => {
    for (const { key } of attributesOf(event)) {
      if (!key.startsWith("sandglass.")) assert.ok(CONVENTIONAL_ATTRIBUTES.has(key), key);
      else assert.match(key, /^[a-z][a-z0-9_]*(\.[a-zA-Z0-9_]+)+$/);
    }
  });

  test(`${event.type} has the attributes of its span`, () => {
    const all = attributes(event);
    for (const [key, value] of Object.entries(eventAttributes(event))) assert.equal(all[key], value, key);
  });
}

test("conventions are followed for what the span's own attributes leave out", () => {
  const named = (event: Parameters<typeof attributesOf>[0], ...keys: string[]) => {
    const all = attributes(event);
    return keys.map((key) => all[key]);
  };
  assert.deepEqual(named(otelEvent("exec.started"), "process.working_directory"), ["/workspace"]);
  assert.deepEqual(named(otelEvent("exec.error"), "error.type", "sandglass.error.message"), [
    "DRIVER_ERROR",
    "the agent went away",
  ]);
  assert.deepEqual(named(otelEvent("exec.streamed"), "log.iostream", "sandglass.exec.id"), [
    "stdout",
    "exec_1",
  ]);
  assert.deepEqual(named(otelEvent("network.denied"), "server.address", "server.port"), ["example.org", 443]);
  assert.deepEqual(
    named(
      otelEvent("cost.llm"),
      "gen_ai.request.model",
      "gen_ai.usage.input_tokens",
      "gen_ai.usage.output_tokens",
      "gen_ai.usage.cache_read.input_tokens",
    ),
    ["m-1", 1200, 300, 1000],
  );
  assert.deepEqual(named(otelEvent("agent.tool_call"), "gen_ai.tool.call.arguments"), ["{}"]);
  assert.deepEqual(named(otelEvent("agent.tool_result"), "gen_ai.tool.call.result"), ["42"]);
});

test("the user's metadata keeps its keys, and our own objects are in snake case", () => {
  const { "sandglass.metadata.someKey": own, "sandglass.metadata.team": team } = attributes(
    otelEvent("sandbox.created"),
  );
  assert.deepEqual([own, team], ["x", "data"]);
  assert.equal(attributes(otelEvent("host.started"))["sandglass.recovery.truncated_bytes"], 17);
});

test("counts are integers, and amounts that may have a fraction are doubles also where this one has none", () => {
  const typeOf = (event: Parameters<typeof attributesOf>[0], name: string) =>
    Object.keys(attributesOf(event).find(({ key }) => key === name)?.value ?? {});
  assert.deepEqual(typeOf(otelEvent("exec.completed"), "process.exit.code"), ["intValue"]);
  assert.deepEqual(typeOf(otelEvent("exec.completed"), "sandglass.exec.max_rss_bytes"), ["intValue"]);
  for (const durationMs of [12, 12.5]) {
    assert.deepEqual(typeOf(otelEvent("exec.completed", { durationMs }), "sandglass.duration_ms"), [
      "doubleValue",
    ]);
  }
  assert.deepEqual(typeOf(otelEvent("cost.runtime"), "sandglass.cost_usd"), ["doubleValue"]);
  assert.deepEqual(typeOf(otelEvent("resource.sample"), "sandglass.cpu_utilization"), ["doubleValue"]);
  assert.deepEqual(typeOf(otelEvent("sandbox.created"), "sandglass.sandbox.vcpu"), ["doubleValue"]);
});

test("an event of a later version keeps what it says", () => {
  const event = {
    ...otelEvent("port.exposed"),
    type: "gpu.used",
    data: { gpuIndex: 1, tags: ["a", { b: 1 }] },
  };
  assert.deepEqual(attributes(event as never), {
    "sandglass.gpu_index": 1,
    "sandglass.tags": ["a", '{"b":1}'],
  });
});
