import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeMetrics } from "../otlp/encode-metrics.ts";
import { Deriver } from "./deriver.ts";
import {
  checkEvent,
  derive,
  logs,
  SANDBOX_ID,
  START,
  spans,
  telemetryRecord,
} from "./testing/telemetry-records.ts";

const CHAT = {
  "gen_ai.operation.name": "chat",
  "gen_ai.request.model": "gpt-4o",
  "gen_ai.usage.input_tokens": 10,
  "gen_ai.usage.output_tokens": 5,
};
const chat = (id: number, more: Record<string, string | number> = {}) =>
  spans({ name: "chat", id, attributes: { ...CHAT, ...more } });

describe("where an event comes from", () => {
  test("what a sandbox says is marked as said by a sandbox, also a cost that it reports", () => {
    const deriver = new Deriver();
    const data = chat(1, { "operation.cost": 1000 });
    const [event] = deriver.derive(telemetryRecord(data, { origin: "sandbox" })).map(checkEvent);
    assert.deepEqual(event?.data, {
      model: "gpt-4o",
      inputTokens: 10,
      outputTokens: 5,
      costUsd: 1000,
      priced: "reported",
      origin: "sandbox",
    });
  });

  test("nothing is derived from what the host says itself", () => {
    const deriver = new Deriver();
    assert.deepEqual(deriver.derive(telemetryRecord(chat(1), { origin: "host" })), []);
    assert.deepEqual(deriver.derive(telemetryRecord(chat(1), { isForwardOnly: true })), []);
  });
});

describe("when an event was", () => {
  const at = (startSeconds: number, endSeconds: number) =>
    derive([spans({ name: "chat", id: 1, attributes: CHAT, startSeconds, endSeconds })])[0]?.timestamp;

  test("is what the span says, to the microsecond", () => {
    assert.equal(at(START, START + 1.234567), "2026-10-04T13:00:01.234567Z");
  });

  test("is when it came, where the span says none or a time to come", () => {
    const received = "2026-10-04T13:01:00.000000Z";
    assert.equal(at(0, 0), received);
    assert.equal(at(START, START + 3600), received);
    assert.equal(at(START, 18_446_744_073), received);
  });

  test("a result is never before its call, and events are in the order of their times", () => {
    const tool = { "gen_ai.operation.name": "execute_tool" };
    const events = derive([
      spans(
        { name: "late", id: 1, attributes: tool, startSeconds: START + 5, endSeconds: START + 4 },
        { name: "early", id: 2, attributes: tool },
      ),
    ]);
    const times = events.map(({ timestamp }) => timestamp);
    assert.deepEqual(times, times.toSorted());
    for (const { data } of events) if ("durationMs" in data) assert.ok(data.durationMs >= 0);
  });
});

describe("models without a price", () => {
  test("are counted with their tokens and no cost, by name", () => {
    const deriver = new Deriver();
    const [event] = deriver.derive(telemetryRecord(chat(1, { "gen_ai.request.model": "my-model" })));
    assert.deepEqual(event?.data, {
      model: "my-model",
      inputTokens: 10,
      outputTokens: 5,
      priced: "unknown",
      origin: "client",
    });
    deriver.derive(telemetryRecord(chat(2, { "gen_ai.request.model": "my-model" })));
    assert.deepEqual(deriver.stats().unknownModels, { "my-model": 2 });
  });

  test("have one as soon as the configuration gives it", () => {
    const prices = { "my-model": { inputPerMTok: 1, outputPerMTok: 2 } };
    const [event] = derive([chat(1, { "gen_ai.request.model": "my-model" })], { prices });
    assert.ok(event?.type === "cost.llm" && "costUsd" in event.data);
    assert.deepEqual([event.data.costUsd, event.data.priced], [0.00002, "table"]);
  });

  test("have at most 100 names, and those from sandboxes only one", () => {
    const deriver = new Deriver();
    for (let id = 1; id <= 120; id++) {
      const data = chat(id, { "gen_ai.request.model": `model-${id}` });
      deriver.derive(telemetryRecord(data));
      deriver.derive(telemetryRecord(data, { origin: "sandbox" }));
    }
    const { unknownModels } = deriver.stats();
    assert.equal(unknownModels["(sandbox)"], 120);
    assert.equal(Object.keys(unknownModels).length, 101);
    assert.equal(
      Object.values(unknownModels).reduce((sum, count) => sum + count),
      240,
    );
    assert.equal(unknownModels["(other)"], 21);
  });

  test("no name at all is a call of an unknown model", () => {
    const { "gen_ai.request.model": _, ...attributes } = CHAT;
    const [event] = derive([spans({ name: "chat", id: 1, attributes })]);
    assert.ok(event?.type === "cost.llm" && "model" in event.data);
    assert.equal(event.data.model, "unknown");
  });
});

describe("what is read", () => {
  test("is counted", () => {
    const deriver = new Deriver();
    const http = spans({ name: "GET /", id: 1, attributes: { "http.request.method": "GET" } });
    const codex = logs(
      { scope: "codex", service: "codex" },
      { attributes: { "event.name": "codex.user_prompt" } },
    );
    deriver.derive(telemetryRecord(http));
    deriver.derive(telemetryRecord(chat(1)));
    deriver.derive(telemetryRecord(codex));
    deriver.derive(telemetryRecord(chat(2), { body: Buffer.from("\nÿgen_ai.") }));
    assert.deepEqual(deriver.stats(), {
      records: 4,
      decodedRecords: 3,
      malformedRecords: 1,
      skippedRecords: 0,
      spans: 1,
      logRecords: 1,
      events: {
        "agent.thinking": 0,
        "agent.tool_call": 0,
        "agent.tool_result": 0,
        "agent.error": 0,
        "cost.llm": 1,
      },
      unknownModels: {},
    });
  });

  test("metrics are not, since they repeat what events say", () => {
    const deriver = new Deriver();
    const dataPoints = [{ asInt: 5, attributes: [{ key: "model", value: { stringValue: "gpt-4o" } }] }];
    const metrics = ["claude_code.token.usage", "claude_code.cost.usage", "gen_ai.client.token.usage"].map(
      (name) => ({ name, sum: { dataPoints, aggregationTemporality: 1, isMonotonic: true } }),
    );
    const body = encodeMetrics({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] });
    assert.deepEqual(deriver.derive(telemetryRecord(chat(1), { signal: "metrics", body })), []);
    assert.equal(deriver.stats().decodedRecords, 0);
  });

  test("of one sandbox only so much a second, counted, and no other sandbox is the worse for it", () => {
    const deriver = new Deriver();
    const padding = "x".repeat(256 * 1024);
    const send = (id: number, sandboxId: string, seconds: number) =>
      deriver.derive(
        telemetryRecord(chat(id, { padding }), {
          origin: "sandbox",
          sandboxId,
          receivedAt: (START + seconds) * 1000,
        }),
      ).length;
    const sent = Array.from({ length: 20 }, (_, id) => send(id + 1, SANDBOX_ID, 0));
    const taken = sent.filter((count) => count === 1).length;
    assert.ok(taken >= 4 && taken <= 9, `${taken}`);
    assert.equal(deriver.stats().skippedRecords, 20 - taken);
    assert.equal(send(100, "sbx_01m81fmvaxzshpc686q862kbsa", 0), 1);
    assert.equal(send(101, SANDBOX_ID, 2), 1);
  });

  test("a record of a sandbox that is too large is skipped, and uses up nothing", () => {
    const deriver = new Deriver();
    const send = (id: number, padding: string) =>
      deriver.derive(telemetryRecord(chat(id, { padding }), { origin: "sandbox", sandboxId: SANDBOX_ID }))
        .length;
    assert.equal(send(1, "x".repeat(3 * 1024 * 1024)), 0);
    assert.equal(deriver.stats().skippedRecords, 1);
    assert.equal(send(2, ""), 1);
  });
});
