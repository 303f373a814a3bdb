import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cleanName, cutContent } from "./captured-text.ts";
import { derive, type SpanFixture, said, spans } from "./testing/telemetry-records.ts";

const SECRET = "s3cret-content";
const KIB = 1024;

const tool: SpanFixture = {
  name: "execute_tool run",
  id: 1,
  attributes: {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.call.id": "call_1",
    "gen_ai.tool.call.arguments": { code: SECRET, lines: [1, 2.5, true, null] },
    "gen_ai.tool.call.result": SECRET,
  },
};
const chat: SpanFixture = {
  name: "chat gpt-4o",
  id: 2,
  attributes: {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 1,
    "gen_ai.usage.output_tokens": 1,
    "gen_ai.input.messages": `[{"role":"user","parts":[{"type":"text","content":"${SECRET}"}]}]`,
    "gen_ai.output.messages": `[{"role":"assistant","parts":[{"type":"reasoning","content":"${SECRET}"}]}]`,
    "gen_ai.system_instructions": SECRET,
  },
  status: { code: 2, message: SECRET },
};

describe("content", () => {
  test("stays out of every event unless it is asked for", () => {
    const events = derive([spans(tool, chat)]);
    assert.deepEqual(events.map(({ type }) => type).toSorted(), [
      "agent.error",
      "agent.thinking",
      "agent.tool_call",
      "agent.tool_result",
      "cost.llm",
    ]);
    assert.ok(!JSON.stringify(events).includes(SECRET));
    assert.deepEqual(Object.fromEntries(said(events))["agent.thinking"], { bytes: SECRET.length });
  });

  test("is in the events where it is asked for: arguments, results, thoughts, messages; prompts are in none", () => {
    const byType = Object.fromEntries(said(derive([spans(tool, chat)], { captureContent: true })));
    assert.equal(byType["agent.tool_call"]?.arguments, `{"code":"${SECRET}","lines":["1",2.5,true,null]}`);
    assert.equal(byType["agent.tool_result"]?.result, SECRET);
    assert.deepEqual(byType["agent.thinking"], { text: SECRET, bytes: SECRET.length });
    assert.equal(byType["agent.error"]?.message, SECRET);
    assert.equal(JSON.stringify(byType).split(SECRET).length - 1, 4);
  });

  test("is cut at 8 KiB, and says so", () => {
    const attributes = { ...tool.attributes, "gen_ai.tool.call.result": "é".repeat(10 * 1024 * KIB) };
    const events = derive([spans({ ...tool, attributes })], { captureContent: true });
    const { result } = Object.fromEntries(said(events))["agent.tool_result"] as { result: string };
    assert.equal(result, `${"é".repeat(4 * KIB)}… [cut: ${20 * 1024 * KIB} bytes in all]`);
  });

  test("is cut between characters", () => {
    assert.equal(
      cutContent(`a${"é".repeat(4 * KIB)}`),
      `a${"é".repeat(4 * KIB - 1)}… [cut: 8193 bytes in all]`,
    );
    assert.match(cutContent("😀".repeat(3 * KIB)), /^(?:😀){2048}… \[cut: 12288 bytes in all\]$/u);
    assert.equal(cutContent("x".repeat(8 * KIB)), "x".repeat(8 * KIB));
  });

  test("messages that were cut off by the sender have no thoughts", () => {
    const attributes = {
      ...chat.attributes,
      "gen_ai.output.messages": '[{"parts":[{"type":"reasoning","con',
    };
    const types = derive([spans({ ...chat, attributes })]).map(({ type }) => type);
    assert.ok(!types.includes("agent.thinking"));
  });
});

describe("names", () => {
  test("are one line of at most 200 characters", () => {
    assert.equal(cleanName(" a\n\u001b[31mb\u202e\u2028c "), "a [31mb c");
    assert.equal(cleanName("x".repeat(1e6)).length, 200);
    assert.ok(cleanName(`${"x".repeat(198)}😀`).isWellFormed());
  });
});
