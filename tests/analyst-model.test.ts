import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { Client, type RuntimeEvent } from "sandglass";
import { ModelServer } from "./model-server.ts";
import { runScript, type ScriptEnding } from "./run-script.ts";

const OPEN = { name: "desk", memory_mb: 128, files: [{ path: "airports.csv", from: "airports.csv" }] };
const WRONG = { sandbox: "desk", code: "rows[0]" };
const RIGHT = { sandbox: "desk", code: "len(open('airports.csv').readlines())" };
const NOWHERE = { sandbox: "attic", code: "1" };

let daemon: TestDaemon;
let client: Client;
before(async () => {
  daemon = await startDaemon();
  client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
});
after(async () => {
  client.close();
  await daemon.stop();
});

/** Runs the analyst with the model of this server; returns its end and what is recorded of its run. */
async function analyse(
  env: Record<string, string>,
): Promise<{ ending: ScriptEnding; events: RuntimeEvent[] }> {
  const ending = await runScript("examples/analyst/analyst.ts", {
    SANDGLASS_URL: daemon.url,
    SANDGLASS_API_KEY: daemon.apiKey,
    ...env,
  });
  const all: RuntimeEvent[] = [];
  for await (const event of client.events()) if (event.type !== "gap") all.push(event);
  const { runId } = all.findLast(({ type }) => type === "run.started") ?? { runId: "none" };
  return { ending, events: all.filter((event) => event.runId === runId) };
}

/** The facts that hold whichever provider it was. */
function assertRun({ ending, events }: Awaited<ReturnType<typeof analyse>>, model: string): void {
  assert.equal(ending.code, 0, ending.stderr);
  assert.match(ending.stdout, /\n3377 airports\n/);
  const data = (type: string): unknown[] =>
    events.filter((event) => event.type === type).map(({ data }) => data);
  assert.deepEqual(data("cost.llm"), [
    { model, inputTokens: 100, outputTokens: 20, cachedTokens: 40 },
    { model, inputTokens: 200, outputTokens: 30, cachedTokens: 0 },
    { model, inputTokens: 300, outputTokens: 10, cachedTokens: 0 },
  ]);
  const results = data("agent.tool_result") as { toolName: string; isError: boolean }[];
  assert.deepEqual(results.map(({ toolName, isError }) => `${toolName} ${isError}`).toSorted(), [
    "open_sandbox false",
    "python false",
    "python true",
    "python true",
  ]);
  const [end] = data("run.completed") as { status: string; inputTokens: number; outputTokens: number }[];
  assert.deepEqual([end?.status, end?.inputTokens, end?.outputTokens], ["ok", 600, 60]);
  assert.equal(data("sandbox.terminated").length, 1);
}

describe("the analyst with a model of Anthropic's Messages API", () => {
  const use = (id: string, name: string, input: object) => ({ type: "tool_use", id, name, input });
  const answer = (stop: string, input: number, output: number, content: object[], cached = 0) => ({
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude",
    content,
    stop_reason: stop,
    usage: { input_tokens: input - cached, output_tokens: output, cache_read_input_tokens: cached },
  });

  test("asks, calls all tools of a turn, tells the outcomes, and takes text without calls as the answer", async () => {
    const first = [{ type: "text", text: "I look." }, use("toolu_1", "open_sandbox", OPEN)];
    const second = [
      use("toolu_2", "python", WRONG),
      use("toolu_3", "python", RIGHT),
      use("toolu_4", "python", NOWHERE),
    ];
    await using server = await ModelServer.start([
      answer("tool_use", 100, 20, first, 40),
      answer("tool_use", 200, 30, second),
      answer("end_turn", 300, 10, [{ type: "text", text: "3377 airports" }]),
    ]);
    const env = { ANTHROPIC_API_KEY: "sk-test", ANTHROPIC_BASE_URL: server.url, ANALYST_MODEL: "claude-x" };
    assertRun(await analyse(env), "claude-x");

    const [asked, , told] = server.requests;
    assert.equal(asked?.path, "/v1/messages");
    assert.equal(asked?.headers["x-api-key"], "sk-test");
    assert.equal(asked?.headers["anthropic-version"], "2023-06-01");
    assert.equal(asked?.body.model, "claude-x");
    assert.ok(asked?.body.max_tokens > 0);
    assert.deepEqual(
      asked?.body.tools.map((tool: { name: string; input_schema: { type: string } }) => [
        tool.name,
        tool.input_schema.type,
      ]),
      [
        ["open_sandbox", "object"],
        ["python", "object"],
      ],
    );
    // Roles alternate, and each tool_use is answered in the very next message, as the API demands.
    assert.deepEqual(
      told?.body.messages.map(({ role }: { role: string }) => role),
      ["user", "assistant", "user", "assistant", "user"],
    );
    assert.deepEqual(told?.body.messages[3].content, second);
    const outcomes = told?.body.messages[4].content as {
      tool_use_id: string;
      is_error: boolean;
      content: string;
    }[];
    assert.deepEqual(
      outcomes.map(({ tool_use_id, is_error }) => [tool_use_id, is_error]),
      [
        ["toolu_2", true],
        ["toolu_3", false],
        ["toolu_4", true],
      ],
    );
    assert.match(outcomes[0]?.content ?? "", /NameError: name 'rows' is not defined/);
    assert.match(outcomes[1]?.content ?? "", /^3377\n\[exited 0/);
    assert.match(outcomes[2]?.content ?? "", /no sandbox "attic" is open; open: desk/);
  });

  test("a provider that refuses ends the run as failed, its sandboxes too, and no key is shown", async () => {
    await using server = await ModelServer.start([
      answer("tool_use", 100, 20, [use("toolu_1", "open_sandbox", OPEN)]),
      401,
    ]);
    const { ending, events } = await analyse({
      ANTHROPIC_API_KEY: "sk-secret",
      ANTHROPIC_BASE_URL: server.url,
    });
    assert.equal(ending.code, 1);
    assert.match(ending.stderr, /answered 401: .*scripted 401/);
    assert.ok(!`${ending.stdout}${ending.stderr}${JSON.stringify(events)}`.includes("sk-secret"));
    const types = events.map(({ type }) => type);
    assert.ok(types.includes("sandbox.terminated"));
    const end = events.find((event) => event.type === "run.completed");
    assert.equal(end?.data.status, "error");
  });

  test("a reply that was cut off is an error, not an answer", async () => {
    await using server = await ModelServer.start([
      answer("max_tokens", 1, 1, [{ type: "text", text: "Even" }]),
    ]);
    const { ending } = await analyse({ ANTHROPIC_API_KEY: "k", ANTHROPIC_BASE_URL: server.url });
    assert.equal(ending.code, 1);
    assert.match(ending.stderr, /stopped in the middle: max_tokens/);
  });
});

describe("the analyst with a model of OpenAI's chat completions", () => {
  const call = (id: string, name: string, input: object) => ({
    id,
    type: "function",
    function: { name, arguments: JSON.stringify(input) },
  });
  const answer = (reason: string, prompt: number, completion: number, message: object, cached = 0) => ({
    object: "chat.completion",
    choices: [{ index: 0, finish_reason: reason, message: { role: "assistant", content: null, ...message } }],
    usage: {
      prompt_tokens: prompt,
      completion_tokens: completion,
      prompt_tokens_details: { cached_tokens: cached },
    },
  });

  test("asks, calls all tools of a turn, tells the outcomes, and takes text without calls as the answer", async () => {
    const second = [
      call("call_2", "python", WRONG),
      call("call_3", "python", RIGHT),
      call("call_4", "python", NOWHERE),
    ];
    await using server = await ModelServer.start([
      answer("tool_calls", 100, 20, { tool_calls: [call("call_1", "open_sandbox", OPEN)] }, 40),
      answer("tool_calls", 200, 30, { tool_calls: second }),
      answer("stop", 300, 10, { content: "3377 airports" }),
    ]);
    const env = { OPENAI_API_KEY: "sk-test", OPENAI_BASE_URL: `${server.url}/v1/`, ANALYST_MODEL: "gpt-x" };
    assertRun(await analyse(env), "gpt-x");

    const [asked, , told] = server.requests;
    assert.equal(asked?.path, "/v1/chat/completions");
    assert.equal(asked?.headers.authorization, "Bearer sk-test");
    assert.deepEqual(
      asked?.body.tools.map((tool: { type: string; function: { name: string } }) => [
        tool.type,
        tool.function.name,
      ]),
      [
        ["function", "open_sandbox"],
        ["function", "python"],
      ],
    );
    const messages = told?.body.messages as { role: string; tool_call_id?: string; content: string }[];
    assert.deepEqual(
      messages.map(({ role }) => role),
      ["system", "user", "assistant", "tool", "assistant", "tool", "tool", "tool"],
    );
    assert.deepEqual(
      messages.slice(-3).map((message) => message.tool_call_id),
      ["call_2", "call_3", "call_4"],
    );
    assert.match(messages.at(-3)?.content ?? "", /^Error: .*NameError/s);
  });

  test("arguments that are no JSON are told to the model, which goes on", async () => {
    const broken = {
      id: "call_1",
      type: "function",
      function: { name: "python", arguments: '{"sandbox": ' },
    };
    await using server = await ModelServer.start([
      answer("tool_calls", 1, 1, { tool_calls: [broken] }),
      answer("stop", 1, 1, { content: "no answer" }),
    ]);
    const { ending } = await analyse({ OPENAI_API_KEY: "k", OPENAI_BASE_URL: server.url });
    assert.equal(ending.code, 0, ending.stderr);
    assert.match(server.requests[1]?.body.messages.at(-1).content, /"sandbox" has to be a text/);
  });
});

test("a provider that cannot be reached is named, with the way to go on without it", async () => {
  const { ending } = await analyse({ OPENAI_API_KEY: "k", OPENAI_BASE_URL: "http://127.0.0.1:9" });
  assert.equal(ending.code, 1);
  assert.match(
    ending.stderr,
    /127\.0\.0\.1:9 cannot be asked .*without a key in the environment the analyst keeps to its script/,
  );
});
