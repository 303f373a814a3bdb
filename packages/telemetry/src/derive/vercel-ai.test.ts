import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { derive, said, spans } from "./testing/telemetry-records.ts";

/** As `ai` 4 to 6 and the legacy integration of 7 send it: an outer span, a step, and a tool below the step or beside it. */
const OUTER = {
  "operation.name": "ai.generateText agent",
  "ai.operationId": "ai.generateText",
  "ai.model.id": "gpt-4o-mini",
  "ai.model.provider": "openai.responses",
  "ai.prompt": '{"prompt":"secret prompt"}',
  "ai.response.finishReason": "stop",
  "ai.response.reasoning": "I add them.",
  "ai.usage.inputTokens": 300,
  "ai.usage.outputTokens": 70,
  "ai.usage.totalTokens": 370,
};
const STEP = {
  "operation.name": "ai.generateText.doGenerate agent",
  "ai.operationId": "ai.generateText.doGenerate",
  "ai.model.id": "gpt-4o-mini",
  "ai.model.provider": "openai.responses",
  "ai.response.id": "resp_1",
  "ai.response.model": "gpt-4o-mini-2024-07-18",
  "ai.response.reasoning": "I add them.",
  "ai.usage.inputTokens": 100,
  "ai.usage.outputTokens": 50,
  "ai.usage.totalTokens": 150,
  "ai.usage.reasoningTokens": 20,
  "ai.usage.cachedInputTokens": 60,
  "gen_ai.system": "openai.responses",
  "gen_ai.request.model": "gpt-4o-mini",
  "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
  "gen_ai.response.id": "resp_1",
  "gen_ai.usage.input_tokens": 100,
  "gen_ai.usage.output_tokens": 50,
};
const SECOND_STEP = {
  ...STEP,
  "ai.response.reasoning": null,
  "ai.usage.inputTokens": 200,
  "gen_ai.usage.input_tokens": 200,
  "gen_ai.usage.output_tokens": 20,
  "ai.usage.outputTokens": 20,
};
const TOOL = {
  "operation.name": "ai.toolCall agent",
  "ai.operationId": "ai.toolCall",
  "ai.toolCall.name": "add",
  "ai.toolCall.id": "call_Ue1",
  "ai.toolCall.args": '{"a":1,"b":2}',
  "ai.toolCall.result": "3",
};

const outer = { name: "ai.generateText", id: 1, attributes: OUTER, startSeconds: 1000, endSeconds: 1010 };
const step = { name: "ai.generateText.doGenerate", id: 2, parent: 1, attributes: STEP, startSeconds: 1001 };
const tool = { name: "ai.toolCall", id: 3, parent: 1, attributes: TOOL, startSeconds: 1003 };
const second = { ...step, id: 4, attributes: SECOND_STEP, startSeconds: 1005 };

const USAGE = {
  model: "gpt-4o-mini-2024-07-18",
  provider: "openai.responses",
  cachedTokens: 60,
  reasoningTokens: 20,
  priced: "table",
};
const EXPECTED = [
  ["cost.llm", { ...USAGE, inputTokens: 100, outputTokens: 50, costUsd: 0.0000405 }],
  ["agent.thinking", { bytes: 11 }],
  ["agent.tool_call", { toolName: "add", toolCallId: "call_Ue1" }],
  ["agent.tool_result", { toolName: "add", toolCallId: "call_Ue1", durationMs: 1000, isError: false }],
  ["cost.llm", { ...USAGE, inputTokens: 200, outputTokens: 20, costUsd: 0.0000375 }],
];

describe("the Vercel AI SDK", () => {
  test("each step counts once, and the call around them not at all", () => {
    assert.deepEqual(said(derive([spans(step, tool, second, outer)])), EXPECTED);
  });

  test("it is the same in whatever order and requests the spans come", () => {
    assert.deepEqual(said(derive([spans(outer, step, tool, second)])), EXPECTED);
    assert.deepEqual(said(derive([spans(step), spans(tool), spans(second, outer)])), EXPECTED);
    assert.deepEqual(said(derive([spans(outer), spans(step), spans(tool), spans(second)])), EXPECTED);
  });

  test("the names of before 5 are understood, and a stream is a call too", () => {
    const attributes = {
      "ai.operationId": "ai.streamText.doStream",
      "ai.model.id": "gpt-4o-mini",
      "ai.model.provider": "openai.chat",
      "ai.usage.promptTokens": 100,
      "ai.usage.completionTokens": 50,
    };
    const [, data] = said(derive([spans({ name: "ai.streamText.doStream", id: 1, attributes })]))[0]!;
    assert.deepEqual([data.inputTokens, data.outputTokens, data.model], [100, 50, "gpt-4o-mini"]);
  });

  test("of an embedding the inner call counts, also where usage is not known as a number", () => {
    const embed = { "ai.model.id": "text-embedding-3-small", "ai.model.provider": "openai.embedding" };
    const inner = { ...embed, "ai.operationId": "ai.embed.doEmbed", "ai.usage.tokens": 10 };
    const whole = { ...embed, "ai.operationId": "ai.embed", "ai.usage.tokens": 10 };
    const events = derive([
      spans(
        { name: "ai.embed.doEmbed", id: 2, parent: 1, attributes: inner },
        { name: "ai.embed", id: 1, attributes: whole },
      ),
    ]);
    assert.deepEqual(
      events.map(({ spanId }) => spanId),
      ["0000000000000002"],
    );
    const unknown = { ...inner, "ai.usage.tokens": Number.NaN };
    assert.deepEqual(derive([spans({ name: "ai.embed.doEmbed", id: 2, attributes: unknown })]), []);
  });

  test("the spans of 7 follow the conventions: an agent, its steps, and the calls in them", () => {
    const base = { "gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-haiku-4-5" };
    const used = { "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5 };
    const events = derive([
      spans(
        {
          name: "chat claude-haiku-4-5",
          id: 3,
          parent: 2,
          attributes: { ...base, ...used, "gen_ai.operation.name": "chat" },
        },
        {
          name: "execute_tool add",
          id: 4,
          parent: 2,
          attributes: {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "add",
            "gen_ai.tool.call.id": "toolu_1",
            "gen_ai.tool.type": "function",
          },
        },
        { name: "step 1", id: 2, parent: 1, attributes: { ...base, "gen_ai.operation.name": "agent_step" } },
        {
          name: "invoke_agent claude-haiku-4-5",
          id: 1,
          attributes: { ...base, ...used, "gen_ai.operation.name": "invoke_agent" },
        },
      ),
    ]);
    assert.deepEqual(
      events.map(({ type }) => type),
      ["agent.tool_call", "cost.llm", "agent.tool_result"],
    );
  });
});
