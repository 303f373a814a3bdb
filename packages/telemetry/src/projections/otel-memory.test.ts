import assert from "node:assert/strict";
import { test } from "node:test";
import { openingAttributes } from "./otel-attributes.ts";
import { OtelMemory } from "./otel-memory.ts";
import { RecentMap } from "./otel-recent-map.ts";
import { otelEvent } from "./testing/otel-events.ts";

test("a recent map keeps what is asked for and forgets what is not", () => {
  const map = new RecentMap<number>(10);
  map.set("kept", 1);
  map.set("forgotten", 2);
  for (let round = 0; round < 100; round++) {
    map.set(`other ${round}`, round);
    assert.equal(map.get("kept"), 1);
  }
  assert.equal(map.get("forgotten"), undefined);
  assert.equal(map.get("other 99"), 99);
});

test("a recent map counts weights, and an entry that is set again only once", () => {
  const map = new RecentMap<string>(10);
  for (let round = 0; round < 50; round++) map.set("a", `${round}`, 5);
  map.set("b", "b", 5);
  assert.deepEqual([map.get("a"), map.get("b")], ["49", "b"]);
  map.set("heavy", "h", 100);
  map.set("next", "n", 100);
  assert.deepEqual([map.get("a"), map.get("heavy"), map.get("next")], [undefined, undefined, "n"]);
});

test("the template of a sandbox is known from any event that says it, its creation from that alone", () => {
  const memory = new OtelMemory(openingAttributes);
  memory.observe(otelEvent("sandbox.claimed", {}, { sandboxId: "sbx_pooled" }));
  assert.deepEqual(memory.sandbox("sbx_pooled"), { template: "python", created: undefined });
  const created = otelEvent("sandbox.created", { template: "node" });
  memory.observe(created);
  memory.observe(otelEvent("sandbox.started"));
  const { traceId, spanId } = created;
  assert.deepEqual(memory.sandbox(created.sandboxId), { template: "node", created: { traceId, spanId } });
  assert.equal(memory.sandbox(""), undefined);
});

test("large arguments of tools push out older ones instead of filling the memory", () => {
  const memory = new OtelMemory(openingAttributes);
  const ending = (toolCallId: string) => otelEvent("agent.tool_result", { toolCallId });
  for (let call = 0; call < 12; call++) {
    memory.observe(
      otelEvent("agent.tool_call", { toolCallId: `call_${call}`, arguments: "x".repeat(1_000_000) }),
    );
  }
  assert.equal(memory.openingOf(ending("call_0")), undefined);
  assert.ok(memory.openingOf(ending("call_11")));
});
