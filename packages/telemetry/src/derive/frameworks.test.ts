import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { derive, said, spans } from "./testing/telemetry-records.ts";

describe("Pydantic AI and Logfire", () => {
  const request = {
    "gen_ai.operation.name": "chat",
    "gen_ai.system": "openai",
    "gen_ai.request.model": "gpt-5-mini",
    "gen_ai.response.model": "gpt-5-mini-2025-08-07",
    "gen_ai.usage.input_tokens": 51,
    "gen_ai.usage.output_tokens": 80,
    "gen_ai.usage.details.reasoning_tokens": 64,
    "operation.cost": 0.00017275,
    "logfire.msg": "chat gpt-5-mini",
  };
  /** Version 1 of its spans: an agent's usage with no operation, and a tool with no operation. */
  const agentRun = {
    agent_name: "weather",
    model_name: "gpt-5-mini",
    "gen_ai.usage.input_tokens": 51,
    "gen_ai.usage.output_tokens": 80,
    "logfire.msg": "weather run",
  };
  const tool = {
    "gen_ai.tool.name": "get_weather",
    "gen_ai.tool.call.id": "call_7",
    tool_arguments: '{"city":"Paris"}',
    tool_response: "wet",
    "logfire.msg": "running tool: get_weather",
  };

  test("requests and tools are told, the run of the agent is not counted, and its cost is reported", () => {
    const events = derive([
      spans(
        { name: "chat gpt-5-mini", id: 2, parent: 1, attributes: request },
        { name: "running tool", id: 3, parent: 1, attributes: tool },
        { name: "agent run", id: 1, attributes: agentRun },
      ),
    ]);
    assert.deepEqual(said(events), [
      ["agent.tool_call", { toolName: "get_weather", toolCallId: "call_7" }],
      [
        "cost.llm",
        {
          model: "gpt-5-mini-2025-08-07",
          provider: "openai",
          inputTokens: 51,
          outputTokens: 80,
          reasoningTokens: 64,
          costUsd: 0.00017275,
          priced: "reported",
        },
      ],
      [
        "agent.tool_result",
        { toolName: "get_weather", toolCallId: "call_7", durationMs: 1000, isError: false },
      ],
    ]);
  });

  test("arguments, results and thoughts go by its names", () => {
    const messages = JSON.stringify([
      {
        role: "assistant",
        parts: [
          { type: "thinking", content: "Paris…" },
          { type: "text", content: "wet" },
        ],
      },
    ]);
    const thinking = { ...request, "gen_ai.output.messages": messages };
    const events = derive(
      [
        spans(
          { name: "running tool", id: 3, attributes: tool },
          { name: "chat", id: 2, attributes: thinking, startSeconds: 1_791_118_801 },
        ),
      ],
      { captureContent: true },
    );
    const byType = Object.fromEntries(said(events));
    assert.equal(byType["agent.tool_call"]?.arguments, '{"city":"Paris"}');
    assert.equal(byType["agent.tool_result"]?.result, "wet");
    assert.deepEqual(byType["agent.thinking"], { text: "Paris…", bytes: 8 });
  });
});

describe("Google ADK", () => {
  const llm = {
    "gen_ai.system": "gcp.vertex.agent",
    "gen_ai.request.model": "gemini-2.5-flash",
    "gcp.vertex.agent.invocation_id": "e-1",
    "gcp.vertex.agent.llm_request": "{}",
    "gcp.vertex.agent.llm_response": "{}",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 40,
    "gen_ai.response.finish_reasons": ["stop"],
  };
  const tool = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "delegate",
    "gen_ai.tool.type": "AgentTool",
    "gen_ai.tool.call.id": "<not specified>",
    "gcp.vertex.agent.tool_call_args": '{"request":"x"}',
  };
  const agent = { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "root" };

  test("a tool stands below the call of the model that asked for it, and a call below that tool is another call", () => {
    const events = derive([
      spans({ name: "call_llm", id: 5, parent: 4, attributes: { ...llm, "gen_ai.usage.input_tokens": 7 } }),
      spans({ name: "agent_run [helper]", id: 4, parent: 3, attributes: agent }),
      spans({ name: "execute_tool delegate", id: 3, parent: 2, attributes: tool }),
      spans(
        { name: "call_llm", id: 2, parent: 1, attributes: llm },
        { name: "agent_run", id: 1, attributes: agent },
      ),
    ]);
    assert.deepEqual(
      said(events).flatMap(([type, data]) => (type === "cost.llm" ? [data.inputTokens] : [])),
      [7, 100],
    );
    assert.deepEqual(
      said(events).flatMap(([type, data]) => (type === "agent.tool_call" ? [data] : [])),
      [{ toolName: "delegate", toolCallId: "0000000000000003" }],
    );
  });

  test("the Gemini SDK's own call below counts instead", () => {
    const sdk = { ...llm, "gen_ai.operation.name": "generate_content", "gen_ai.system": "gemini" };
    const events = derive([
      spans({ name: "generate_content gemini-2.5-flash", id: 3, parent: 2, attributes: sdk }),
      spans({ name: "call_llm", id: 2, attributes: llm }),
    ]);
    assert.deepEqual(
      events.map(({ spanId }) => spanId),
      ["0000000000000003"],
    );
  });

  test("the span that joins tools which ran at once is no call", () => {
    const merged = { ...tool, "gen_ai.tool.name": "(merged tools)", "gen_ai.tool.call.id": "evt-1" };
    assert.deepEqual(derive([spans({ name: "execute_tool (merged)", id: 1, attributes: merged })]), []);
  });
});

describe("MCP", () => {
  const framework = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "get_weather",
    "gen_ai.tool.call.id": "call_1",
  };
  const protocol = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "get_weather",
    "mcp.method.name": "tools/call",
  };
  const outer = { name: "execute_tool get_weather", id: 1, attributes: framework };
  const client = { name: "tools/call get_weather", id: 2, parent: 1, attributes: protocol };
  const server = { name: "tools/call get_weather", id: 3, parent: 2, attributes: protocol };

  test("a tool that the framework, the client and the server tell of is one call", () => {
    for (const requests of [
      [spans(server), spans(client), spans(outer)],
      [spans(outer), spans(client), spans(server)],
      [spans(outer, client, server)],
    ]) {
      assert.equal(derive(requests).filter(({ type }) => type === "agent.tool_call").length, 1);
    }
  });

  test("another tool below a tool is another call", () => {
    const other = { ...client, attributes: { ...protocol, "gen_ai.tool.name": "geocode" } };
    const calls = derive([spans(other), spans(outer)]).filter(({ type }) => type === "agent.tool_call");
    assert.equal(calls.length, 2);
  });
});
