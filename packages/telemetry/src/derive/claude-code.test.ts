import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  derive,
  type LogFixture,
  logs,
  said,
  spanIdOf,
  spans,
  TRACE_ID,
} from "./testing/telemetry-records.ts";

const SOURCE = { scope: "com.anthropic.claude_code.events", service: "claude-code" };
const SESSION = {
  "session.id": "cec62d6f-60f8-43e8-a67b-133b2a138a83",
  "user.id": "f00d",
  "terminal.type": "xterm",
};

/** As 2.1 sends them: the body has the prefix, the attribute has not, and some numbers are text. */
function event(name: string, sequence: number, attributes: LogFixture["attributes"]): LogFixture {
  return {
    body: `claude_code.${name}`,
    attributes: {
      ...SESSION,
      "event.name": name,
      "event.timestamp": "2026-10-04T13:00:00.000Z",
      "event.sequence": sequence,
      ...attributes,
    },
  };
}

const API_REQUEST = event("api_request", 3, {
  model: "claude-opus-5",
  input_tokens: 2,
  output_tokens: 1200,
  cache_read_tokens: 84_562,
  cache_creation_tokens: 7096,
  cost_usd: 0.116641,
  cost_usd_micros: 116_641,
  duration_ms: 1521,
  ttft_ms: 700,
  request_id: "req_011CT",
  client_request_id: "5a",
  speed: "normal",
  query_source: "sdk",
});
const TOOL_RESULT = event("tool_result", 5, {
  tool_name: "Bash",
  tool_use_id: "toolu_01FtRNK8XRAQVMTwbVegwQFv",
  success: "true",
  duration_ms: "1831",
  tool_input_size_bytes: "30",
  tool_result_size_bytes: "120",
  tool_parameters: '{"bash_command":"ls","full_command":"ls -l /secret"}',
});
const COST = {
  model: "claude-opus-5",
  inputTokens: 91_660,
  outputTokens: 1200,
  cachedTokens: 84_562,
  cacheCreationTokens: 7096,
  costUsd: 0.116641,
  priced: "reported",
};

describe("Claude Code's log events", () => {
  test("a request is a cost as reported, with cached input counted in", () => {
    assert.deepEqual(said(derive([logs(SOURCE, API_REQUEST)])), [["cost.llm", COST]]);
  });

  test("a result of a tool is its call and its result", () => {
    const names = { toolName: "Bash", toolCallId: "toolu_01FtRNK8XRAQVMTwbVegwQFv" };
    const events = derive([logs(SOURCE, TOOL_RESULT)]);
    assert.deepEqual(said(events), [
      ["agent.tool_call", names],
      ["agent.tool_result", { ...names, durationMs: 1831, isError: false }],
    ]);
    assert.deepEqual(
      events.map(({ timestamp }) => timestamp),
      ["2026-10-04T12:59:58.169000Z", "2026-10-04T13:00:00.000000Z"],
    );
    assert.equal(events[0]?.spanId, events[1]?.spanId);
  });

  test("an error of the API is an error by its status", () => {
    const error = event("api_error", 6, {
      model: "claude-opus-5",
      error: "529 overloaded",
      status_code: 529,
      duration_ms: 200,
      attempt: 1,
    });
    assert.deepEqual(said(derive([logs(SOURCE, error)])), [
      ["agent.error", { message: "request to claude-opus-5 failed", errorType: "529" }],
    ]);
  });

  test("prompts and decisions become nothing", () => {
    const prompt = event("user_prompt", 1, { prompt_length: "10", prompt: "secret" });
    const decision = event("tool_decision", 4, { tool_name: "Bash", decision: "accept", source: "config" });
    assert.deepEqual(derive([logs(SOURCE, prompt, decision)]), []);
  });

  test("without a span they are in the trace of their session, and with one below it", () => {
    const [first] = derive([logs(SOURCE, API_REQUEST)]);
    const [second] = derive([logs(SOURCE, TOOL_RESULT)]);
    assert.equal(first?.traceId, second?.traceId);
    assert.equal(first?.parentSpanId, "");
    const [placed] = derive([logs(SOURCE, { ...API_REQUEST, traceId: TRACE_ID, spanId: spanIdOf(9) })]);
    assert.deepEqual([placed?.traceId, placed?.parentSpanId], [TRACE_ID, spanIdOf(9)]);
  });

  test("the same records sent again count once, and the next with the same numbers is another", () => {
    const next = event("api_request", 7, {
      ...API_REQUEST.attributes,
      "event.sequence": 7,
      request_id: "req_2",
    });
    const events = derive([
      logs(SOURCE, API_REQUEST, TOOL_RESULT),
      logs(SOURCE, API_REQUEST, TOOL_RESULT, next),
    ]);
    assert.deepEqual(
      events.map(({ type }) => type),
      ["agent.tool_call", "cost.llm", "agent.tool_result", "cost.llm"],
    );
  });

  test("a model of another host whose requests have no ids is counted each time", () => {
    const request = (sequence: number) => {
      const { request_id: _, ...attributes } = API_REQUEST.attributes;
      return event("api_request", sequence, { ...attributes, "event.sequence": sequence });
    };
    assert.equal(derive([logs(SOURCE, request(1), request(2))]).length, 2);
  });
});

describe("Claude Code's spans", () => {
  const scope = "com.anthropic.claude_code.tracing";
  const request = {
    name: "claude_code.llm_request",
    id: 2,
    parent: 1,
    scope,
    attributes: {
      ...SESSION,
      "span.type": "llm_request",
      model: "claude-opus-5",
      "gen_ai.system": "anthropic",
      "gen_ai.request.model": "claude-opus-5",
      request_id: "req_011CT",
      input_tokens: 2,
      output_tokens: 1200,
      cache_read_tokens: 84_562,
      cache_creation_tokens: 7096,
      success: true,
      attempt: 1,
    },
  };
  const tool = {
    name: "claude_code.tool",
    id: 3,
    parent: 1,
    scope,
    attributes: {
      ...SESSION,
      "span.type": "tool",
      tool_name: "Bash",
      tool_use_id: "toolu_01FtRNK8XRAQVMTwbVegwQFv",
      "gen_ai.tool.call.id": "toolu_01FtRNK8XRAQVMTwbVegwQFv",
      duration_ms: 1831,
    },
  };
  const execution = {
    name: "claude_code.tool.execution",
    id: 4,
    parent: 3,
    scope,
    attributes: { ...SESSION, "span.type": "tool.execution", success: false, error: "ShellError" },
    status: { code: 2, message: "ShellError" },
  };

  test("count once together with the log events, whichever comes first", () => {
    for (const requests of [
      [spans(request, tool), logs(SOURCE, API_REQUEST, TOOL_RESULT)],
      [logs(SOURCE, API_REQUEST, TOOL_RESULT), spans(request, tool)],
    ]) {
      const types = derive(requests).map(({ type }) => type);
      assert.deepEqual(types.toSorted(), ["agent.tool_call", "agent.tool_result", "cost.llm"]);
    }
  });

  test("count alone where the log events are not exported, priced by the table", () => {
    const [, data] = said(derive([spans(request)]))[0]!;
    assert.deepEqual(data, { ...COST, provider: "anthropic", costUsd: 0.116641, priced: "table" });
  });

  test("without an id of the request are left to the log events", () => {
    const { request_id: _, ...attributes } = request.attributes;
    assert.deepEqual(derive([spans({ ...request, attributes })]), []);
  });

  test("a tool failed where its execution did", () => {
    const [, result] = said(derive([spans(execution), spans(tool)]));
    assert.equal(result?.[1].isError, true);
  });
});
