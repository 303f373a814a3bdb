import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { derive, said, spans } from "./testing/telemetry-records.ts";

const USAGE = {
  "llm.token_count.prompt": 412,
  "llm.token_count.completion": 27,
  "llm.token_count.total": 439,
  "llm.token_count.prompt_details.cache_read": 256,
  "llm.token_count.prompt_details.audio": 0,
  "llm.token_count.completion_details.reasoning": 8,
};
const LLM = {
  "openinference.span.kind": "LLM",
  "llm.system": "openai",
  "llm.provider": "openai",
  "llm.model_name": "gpt-4.1-mini-2025-04-14",
  "input.value": '{"messages":[]}',
  "output.value": "secret",
  ...USAGE,
};

describe("OpenInference", () => {
  test("a call of a model, a tool and an agent around them", () => {
    const events = derive([
      spans(
        { name: "ChatCompletion", id: 3, parent: 2, attributes: LLM },
        {
          name: "search",
          id: 4,
          parent: 2,
          attributes: {
            "openinference.span.kind": "TOOL",
            "tool.name": "search",
            "tool.parameters": '{"q":{"type":"string"}}',
            "input.value": '{"q":"rain"}',
            "output.value": "wet",
          },
        },
        {
          name: "RunnableSequence",
          id: 2,
          parent: 1,
          attributes: { "openinference.span.kind": "CHAIN", ...USAGE },
        },
        { name: "Agent", id: 1, attributes: { "openinference.span.kind": "AGENT", ...USAGE } },
      ),
    ]);
    assert.deepEqual(said(events), [
      ["agent.tool_call", { toolName: "search", toolCallId: "0000000000000004" }],
      [
        "cost.llm",
        {
          model: "gpt-4.1-mini-2025-04-14",
          provider: "openai",
          inputTokens: 412,
          outputTokens: 27,
          cachedTokens: 256,
          reasoningTokens: 8,
          costUsd: 0.0001312,
          priced: "table",
        },
      ],
      [
        "agent.tool_result",
        { toolName: "search", toolCallId: "0000000000000004", durationMs: 1000, isError: false },
      ],
    ]);
  });

  test("LangChain's call around the client's own counts once", () => {
    const langchain = { name: "ChatOpenAI", id: 1, attributes: LLM, scope: "openinference.langchain" };
    const client = {
      name: "ChatCompletion",
      id: 2,
      parent: 1,
      attributes: LLM,
      scope: "openinference.openai",
    };
    const [event, ...others] = derive([spans(client), spans(langchain)]);
    assert.deepEqual([event?.spanId, others], ["0000000000000002", []]);
  });

  test("a cost in it is taken as reported", () => {
    const attributes = { ...LLM, "llm.model_name": "my-model", "llm.cost.total": 0.0049 };
    const [, data] = said(derive([spans({ name: "llm", id: 1, attributes })]))[0]!;
    assert.deepEqual([data.costUsd, data.priced], [0.0049, "reported"]);
  });

  test("embeddings are calls of a model, and retrievers are none", () => {
    const embedding = {
      "openinference.span.kind": "EMBEDDING",
      "embedding.model_name": "text-embedding-ada-002",
      "llm.token_count.prompt": 10,
    };
    const [, data] = said(derive([spans({ name: "Embeddings", id: 1, attributes: embedding })]))[0]!;
    assert.equal(data.model, "text-embedding-ada-002");
    const retriever = { ...embedding, "openinference.span.kind": "RETRIEVER" };
    assert.deepEqual(derive([spans({ name: "Retriever", id: 1, attributes: retriever })]), []);
  });
});

describe("OpenLLMetry", () => {
  const chat = {
    "gen_ai.system": "OpenAI",
    "llm.request.type": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.usage.input_tokens": 8,
    "gen_ai.usage.output_tokens": 10,
    "llm.usage.total_tokens": 18,
    "gen_ai.prompt.0.content": "secret",
  };

  test("workflows and tasks are passed over, tools and calls of models are told", () => {
    const entity = (kind: string, name: string) => ({
      "traceloop.span.kind": kind,
      "traceloop.entity.name": name,
      "traceloop.entity.input": '{"inputs":1}',
      "traceloop.entity.output": '{"outputs":2}',
    });
    const events = derive([
      spans(
        { name: "openai.chat", id: 4, parent: 2, attributes: chat },
        { name: "add.tool", id: 3, parent: 2, attributes: entity("tool", "add") },
        {
          name: "step.task",
          id: 2,
          parent: 1,
          attributes: { ...entity("task", "step"), "gen_ai.request.model": "x" },
        },
        { name: "flow.workflow", id: 1, attributes: entity("workflow", "flow") },
      ),
    ]);
    assert.deepEqual(
      said(events).map(([type, data]) => [type, data.toolName ?? data.inputTokens]),
      [
        ["agent.tool_call", "add"],
        ["cost.llm", 8],
        ["agent.tool_result", "add"],
      ],
    );
  });

  test("LangChain's call around the client's own counts once", () => {
    const events = derive([
      spans({ name: "openai.chat", id: 2, parent: 1, attributes: chat }),
      spans({ name: "ChatOpenAI.chat", id: 1, attributes: { ...chat, "gen_ai.system": "Langchain" } }),
    ]);
    assert.deepEqual(
      events.map(({ spanId }) => spanId),
      ["0000000000000002"],
    );
  });
});

describe("LangSmith", () => {
  test("runs of kind llm and tool are told, chains are passed over", () => {
    const run = (kind: string, more: Record<string, string | number>) => ({
      "langsmith.span.kind": kind,
      "langsmith.trace.name": "agent",
      ...more,
    });
    const used = {
      "gen_ai.system": "openai",
      "gen_ai.request.model": "gpt-4o",
      "gen_ai.usage.input_tokens": 20,
      "gen_ai.usage.output_tokens": 5,
      "gen_ai.usage.total_tokens": 25,
    };
    const events = derive([
      spans(
        { name: "ChatOpenAI", id: 3, parent: 2, attributes: run("llm", used) },
        { name: "search", id: 4, parent: 2, attributes: run("tool", { "gen_ai.tool.name": "search" }) },
        { name: "RunnableSequence", id: 2, attributes: run("chain", used) },
      ),
    ]);
    assert.deepEqual(
      said(events).map(([type]) => type),
      ["agent.tool_call", "cost.llm", "agent.tool_result"],
    );
  });
});
