import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { derive, logs, said, spanIdOf, spans, TRACE_ID } from "./testing/telemetry-records.ts";

const OPENAI_CHAT = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-4o",
  "gen_ai.response.model": "gpt-4o-2024-08-06",
  "gen_ai.response.id": "chatcmpl-9J3uIL87gldCFtiIbyaOvTeYBRA3l",
  "gen_ai.response.finish_reasons": ["stop"],
  "gen_ai.usage.input_tokens": 1200,
  "gen_ai.usage.output_tokens": 300,
  "gen_ai.usage.cache_read.input_tokens": 1000,
  "gen_ai.usage.reasoning.output_tokens": 100,
  "server.address": "api.openai.com",
};

describe("the OpenTelemetry GenAI conventions", () => {
  test("a call of a model is a cost, on the span and at its end, priced by the table", () => {
    const [event, ...others] = derive([
      spans({ name: "chat gpt-4o", id: 2, parent: 1, attributes: OPENAI_CHAT }),
    ]);
    assert.deepEqual(others, []);
    assert.deepEqual(event, {
      type: "cost.llm",
      level: "info",
      traceId: TRACE_ID,
      spanId: spanIdOf(2),
      parentSpanId: spanIdOf(1),
      timestamp: "2026-10-04T13:00:01.000000Z",
      data: {
        model: "gpt-4o-2024-08-06",
        provider: "openai",
        inputTokens: 1200,
        outputTokens: 300,
        cachedTokens: 1000,
        reasoningTokens: 100,
        // 200 × 2.5 + 1000 × 1.25 + 300 × 10, by a million
        costUsd: 0.00475,
        priced: "table",
        origin: "client",
      },
    });
  });

  test("the names of before 1.37 are understood", () => {
    const old = {
      "gen_ai.system": "openai",
      "gen_ai.operation.name": "text_completion",
      "gen_ai.request.model": "gpt-3.5-turbo",
      "gen_ai.usage.prompt_tokens": 1000,
      "gen_ai.usage.completion_tokens": 2000,
    };
    assert.deepEqual(said(derive([spans({ name: "text_completion", id: 1, attributes: old })])), [
      [
        "cost.llm",
        {
          model: "gpt-3.5-turbo",
          provider: "openai",
          inputTokens: 1000,
          outputTokens: 2000,
          costUsd: 0.0035,
          priced: "table",
        },
      ],
    ]);
  });

  for (const [name, cached, cacheCreation] of [
    ["current", "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens"],
    ["OpenLLMetry's", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.cache_creation_input_tokens"],
    ["Sentry's", "gen_ai.usage.input_tokens.cached", "gen_ai.usage.input_tokens.cache_write"],
    ["Strands'", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.cache_write_input_tokens"],
    ["Pydantic AI's", "gen_ai.usage.details.cache_read_tokens", "gen_ai.usage.details.cache_write_tokens"],
  ] as const) {
    test(`${name} names of what a cache gave and took are understood`, () => {
      const attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5-20250929",
        "gen_ai.usage.input_tokens": 10_000,
        "gen_ai.usage.output_tokens": 100,
        [cached]: 8000,
        [cacheCreation]: 1000,
      };
      const [, data] = said(derive([spans({ name: "chat", id: 1, attributes })]))[0]!;
      assert.deepEqual(data, {
        model: "claude-sonnet-4-5-20250929",
        provider: "anthropic",
        inputTokens: 10_000,
        outputTokens: 100,
        cachedTokens: 8000,
        cacheCreationTokens: 1000,
        // 1000 × 3 + 8000 × 0.3 + 1000 × 3.75 + 100 × 15
        costUsd: 0.01065,
        priced: "table",
      });
    });
  }

  test("cached input that was evidently counted beside the rest is added to it", () => {
    const attributes = {
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "claude-sonnet-4-5",
      "gen_ai.usage.input_tokens": 10,
      "gen_ai.usage.output_tokens": 5,
      "gen_ai.usage.cache_read.input_tokens": 900,
      "gen_ai.usage.cache_creation.input_tokens": 90,
    };
    const [, data] = said(derive([spans({ name: "chat", id: 1, attributes })]))[0]!;
    assert.equal(data.inputTokens, 1000);
    assert.equal(data.cachedTokens, 900);
  });

  test("embeddings cost input alone", () => {
    const attributes = {
      "gen_ai.operation.name": "embeddings",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "text-embedding-3-small",
      "gen_ai.usage.input_tokens": 500,
    };
    const [, data] = said(derive([spans({ name: "embeddings", id: 1, attributes })]))[0]!;
    assert.deepEqual([data.inputTokens, data.outputTokens, data.costUsd], [500, 0, 0.00001]);
  });

  test("a call of a tool is a call and a result on the span of the tool, at its begin and its end", () => {
    const attributes = {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "run_code",
      "gen_ai.tool.call.id": "call_mszuSIzqtI65i1wAUOE8w5H4",
      "gen_ai.tool.type": "function",
      "gen_ai.tool.call.arguments": '{"code":"1+1"}',
      "gen_ai.tool.call.result": "2",
    };
    const events = derive([spans({ name: "execute_tool run_code", id: 3, parent: 1, attributes })]);
    const names = { toolName: "run_code", toolCallId: "call_mszuSIzqtI65i1wAUOE8w5H4" };
    assert.deepEqual(said(events), [
      ["agent.tool_call", names],
      ["agent.tool_result", { ...names, durationMs: 1000, isError: false }],
    ]);
    assert.deepEqual(
      events.map(({ spanId, parentSpanId, timestamp }) => [spanId, parentSpanId, timestamp]),
      [
        [spanIdOf(3), spanIdOf(1), "2026-10-04T13:00:00.000000Z"],
        [spanIdOf(3), spanIdOf(1), "2026-10-04T13:00:01.000000Z"],
      ],
    );
  });

  test("a tool without an id of its call goes by that of its span, and one that failed says so", () => {
    const attributes = { "gen_ai.operation.name": "execute_tool", "error.type": "TimeoutError" };
    const [call, result] = said(derive([spans({ name: "execute_tool fetch", id: 3, attributes })]));
    assert.deepEqual(call, ["agent.tool_call", { toolName: "fetch", toolCallId: spanIdOf(3) }]);
    assert.equal(result?.[1].isError, true);
  });

  test("a call that failed is an error, which says what failed and not in whose words", () => {
    const attributes = {
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "gpt-4o",
      "error.type": "rate_limit_exceeded",
    };
    const status = { code: 2, message: "Rate limit reached for org-Secret" };
    const [event] = derive([spans({ name: "chat gpt-4o", id: 1, attributes, status })]);
    assert.equal(event?.level, "error");
    assert.deepEqual(said([event!]), [
      ["agent.error", { message: "call of a model failed: chat gpt-4o", errorType: "rate_limit_exceeded" }],
    ]);
  });

  test("what an agent's span adds up is not counted", () => {
    for (const operation of ["invoke_agent", "create_agent", "invoke_workflow", "agent_step"]) {
      const attributes = { ...OPENAI_CHAT, "gen_ai.operation.name": operation };
      assert.deepEqual(derive([spans({ name: operation, id: 1, attributes })]), [], operation);
    }
  });

  test("a call that says no tokens is not a cost of nothing", () => {
    const { "gen_ai.usage.input_tokens": _, "gen_ai.usage.output_tokens": __, ...rest } = OPENAI_CHAT;
    const attributes = { ...rest, "gen_ai.usage.cache_read.input_tokens": 0 };
    assert.deepEqual(derive([spans({ name: "chat", id: 1, attributes })]), []);
    const zeros = { ...attributes, "gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0 };
    assert.deepEqual(
      derive([
        spans({
          name: "chat",
          id: 1,
          attributes: { ...zeros, "gen_ai.usage.reasoning.output_tokens": 0 },
        }),
      ]),
      [],
    );
  });

  test("a total alone is not split, and a total with one side gives the other", () => {
    const model = { "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o" };
    const total = { ...model, "llm.usage.total_tokens": 30 };
    assert.deepEqual(derive([spans({ name: "chat", id: 1, attributes: total })]), []);
    const both = { ...total, "gen_ai.usage.input_tokens": 20 };
    const [, data] = said(derive([spans({ name: "chat", id: 1, attributes: both })]))[0]!;
    assert.deepEqual([data.inputTokens, data.outputTokens], [20, 10]);
  });
});

describe("the event gen_ai.client.inference.operation.details", () => {
  const source = { scope: "opentelemetry.instrumentation.openai_v2", service: "agent" };
  const eventName = "gen_ai.client.inference.operation.details";
  const onSpan = { eventName, traceId: TRACE_ID, spanId: spanIdOf(2), attributes: OPENAI_CHAT };
  const span = spans({ name: "chat gpt-4o", id: 2, attributes: OPENAI_CHAT });

  test("counts where its span is not sent", () => {
    const [event] = derive([logs(source, onSpan)]);
    assert.equal(event?.type, "cost.llm");
    assert.equal(event?.parentSpanId, spanIdOf(2));
  });

  test("counts once with its span, whichever comes first", () => {
    assert.equal(derive([logs(source, onSpan), span]).length, 1);
    assert.equal(derive([span, logs(source, onSpan)]).length, 1);
  });
});
