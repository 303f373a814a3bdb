import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { derive, type LogFixture, logs, said, spans } from "./testing/telemetry-records.ts";

const SOURCE = { scope: "codex_otel.log_only", service: "codex_cli_rs" };

/** `tracing` writes what is displayed with `%` as text, the rest as numbers. */
function event(name: string, attributes: LogFixture["attributes"]): LogFixture {
  return {
    attributes: {
      "event.name": name,
      "event.timestamp": "2026-10-04T13:00:00.000Z",
      "conversation.id": "0199a213-81c0-7800-8aa1-bbab2a035a53",
      "app.version": "0.128.0",
      auth_mode: "ApiKey",
      originator: "codex_cli_rs",
      "terminal.type": "xterm",
      model: "gpt-5.2-codex",
      slug: "gpt-5.2-codex",
      ...attributes,
    },
  };
}

const COMPLETED = event("codex.sse_event", {
  "event.kind": "response.completed",
  input_token_count: "10000",
  output_token_count: "500",
  cached_token_count: 8000,
  reasoning_token_count: 300,
  tool_token_count: "10500",
});

describe("Codex CLI's log events", () => {
  test("a completed response is a cost by the table", () => {
    assert.deepEqual(said(derive([logs(SOURCE, COMPLETED)])), [
      [
        "cost.llm",
        {
          model: "gpt-5.2-codex",
          inputTokens: 10_000,
          outputTokens: 500,
          cachedTokens: 8000,
          reasoningTokens: 300,
          // 2000 × 1.75 + 8000 × 0.175 + 500 × 14
          costUsd: 0.0119,
          priced: "table",
        },
      ],
    ]);
  });

  test("events of a stream that is under way, prompts and decisions become nothing", () => {
    const events = [
      event("codex.conversation_starts", { provider_name: "OpenAI", context_window: 272_000 }),
      event("codex.user_prompt", { prompt_length: "6", prompt: "secret" }),
      event("codex.sse_event", { "event.kind": "response.output_item.done", duration_ms: "12" }),
      event("codex.api_request", { duration_ms: "900", "http.response.status_code": 200, attempt: 0 }),
      event("codex.tool_decision", {
        tool_name: "shell",
        call_id: "call_1",
        decision: "approved",
        source: "Config",
      }),
    ];
    assert.deepEqual(derive([logs(SOURCE, ...events)]), []);
  });

  test("a result of a tool is its call and its result", () => {
    const result = event("codex.tool_result", {
      tool_name: "shell",
      call_id: "call_9f",
      arguments: '{"command":["ls"]}',
      duration_ms: "120",
      success: "false",
      output: "secret",
      mcp_server: "",
    });
    const names = { toolName: "shell", toolCallId: "call_9f" };
    assert.deepEqual(said(derive([logs(SOURCE, result)])), [
      ["agent.tool_call", names],
      ["agent.tool_result", { ...names, durationMs: 120, isError: true }],
    ]);
    const [call, output] = said(derive([logs(SOURCE, result)], { captureContent: true }));
    assert.deepEqual([call?.[1].arguments, output?.[1].result], ['{"command":["ls"]}', "secret"]);
  });

  test("requests and streams that failed are errors", () => {
    const failures = [
      event("codex.api_request", {
        duration_ms: "90",
        "http.response.status_code": 429,
        "error.message": "secret",
        attempt: 1,
      }),
      event("codex.sse_event", { duration_ms: "30000", "error.message": "idle timeout waiting for SSE" }),
    ];
    assert.deepEqual(said(derive([logs(SOURCE, ...failures)])), [
      ["agent.error", { message: "request to gpt-5.2-codex failed", errorType: "429" }],
      ["agent.error", { message: "request to gpt-5.2-codex failed" }],
    ]);
  });

  test("its spans, which repeat what a response used, are not counted", () => {
    const attributes = {
      "gen_ai.usage.input_tokens": 10_000,
      "gen_ai.usage.cache_read.input_tokens": 8000,
      "gen_ai.usage.output_tokens": 500,
      "codex.usage.reasoning_output_tokens": 300,
      "codex.usage.total_tokens": 10_500,
      "gen_ai.request.model": "gpt-5.2-codex",
    };
    assert.deepEqual(derive([spans({ name: "completed", id: 1, attributes })]), []);
  });
});
