import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { derive, type LogFixture, logs, said, spans } from "./testing/telemetry-records.ts";

const SOURCE = { scope: "gemini-cli", service: "gemini-cli" };

function event(name: string, body: string, attributes: LogFixture["attributes"]): LogFixture {
  return {
    body,
    attributes: {
      "session.id": "8f0c",
      "installation.id": "11",
      "event.name": name,
      "event.timestamp": "2026-10-04T13:00:00.000Z",
      ...attributes,
    },
  };
}

const API_RESPONSE = event("gemini_cli.api_response", "API response from gemini-2.5-pro. Status: 200.", {
  model: "gemini-2.5-pro",
  duration_ms: 5053,
  input_token_count: 24_000,
  output_token_count: 20,
  cached_content_token_count: 20_000,
  thoughts_token_count: 150,
  tool_token_count: 1000,
  total_token_count: 25_170,
  prompt_id: "8f0c########1",
  auth_type: "gemini-api-key",
  status_code: 200,
  "http.status_code": 200,
  response_text: "secret",
});

describe("Gemini CLI's log events", () => {
  test("a response is a cost, with thoughts in the output and what tools gave back in the input", () => {
    assert.deepEqual(said(derive([logs(SOURCE, API_RESPONSE)])), [
      [
        "cost.llm",
        {
          model: "gemini-2.5-pro",
          inputTokens: 25_000,
          outputTokens: 170,
          cachedTokens: 20_000,
          reasoningTokens: 150,
          // 5000 × 1.25 + 20,000 × 0.125 + 170 × 10
          costUsd: 0.01045,
          priced: "table",
        },
      ],
    ]);
  });

  test("what it says of the same call by the conventions, as event and as span, is not counted", () => {
    const used = {
      "gen_ai.operation.name": "generate_content",
      "gen_ai.provider.name": "gcp.gen_ai",
      "gen_ai.request.model": "gemini-2.5-pro",
      "gen_ai.usage.input_tokens": 24_000,
      "gen_ai.usage.output_tokens": 20,
    };
    const details = event("gen_ai.client.inference.operation.details", "GenAI operation details", used);
    const span = spans({ name: "llm_call", id: 1, scope: "gemini-cli", attributes: used });
    assert.equal(derive([logs(SOURCE, details, API_RESPONSE), span]).length, 1);
  });

  test("a call of a tool is its call and its result, and has the id of its span for want of one", () => {
    const tool = event("gemini_cli.tool_call", "Tool call: read_file. Success: false. Duration: 12ms.", {
      function_name: "read_file",
      function_args: '{\n  "path": "/secret"\n}',
      duration_ms: 12,
      success: false,
      decision: "auto_accept",
      prompt_id: "8f0c########1",
      tool_type: "native",
      error: "File not found",
      "error.message": "File not found",
      error_type: "file_not_found",
      "error.type": "file_not_found",
    });
    const [call, result] = derive([logs(SOURCE, tool)]);
    const names = { toolName: "read_file", toolCallId: call?.spanId };
    assert.deepEqual(said([call!, result!]), [
      ["agent.tool_call", names],
      ["agent.tool_result", { ...names, durationMs: 12, isError: true }],
    ]);
  });

  test("an error of the API is an error by its type", () => {
    const error = event("gemini_cli.api_error", "API error for gemini-2.5-pro.", {
      model: "gemini-2.5-pro",
      model_name: "gemini-2.5-pro",
      error: "quota of secret",
      "error.message": "quota of secret",
      "error.type": "RESOURCE_EXHAUSTED",
      status_code: 429,
      duration_ms: 30,
      prompt_id: "p",
    });
    assert.deepEqual(said(derive([logs(SOURCE, error)])), [
      ["agent.error", { message: "request to gemini-2.5-pro failed", errorType: "RESOURCE_EXHAUSTED" }],
    ]);
  });
});
