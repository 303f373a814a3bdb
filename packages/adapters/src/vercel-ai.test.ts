import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { generateText, isStepCount } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { AdapterDaemon, expectedPath } from "./testing/adapter-daemon.ts";
import { sandboxTool } from "./vercel-ai.ts";

let daemon: AdapterDaemon;
before(async () => {
  daemon = await AdapterDaemon.start();
});
after(() => daemon[Symbol.asyncDispose]());

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

/** Asks for each piece of code in turn, then says that it is done. */
function modelThatRuns(...inputs: object[]): MockLanguageModelV4 {
  const results = inputs.map((input, index) => ({
    content: [
      {
        type: "tool-call" as const,
        toolCallId: `call_${index}`,
        toolName: "run_code",
        input: JSON.stringify(input),
      },
    ],
    finishReason: { unified: "tool-calls" as const, raw: undefined },
    usage,
    warnings: [],
  }));
  const last = {
    content: [{ type: "text" as const, text: "done" }],
    finishReason: { unified: "stop" as const, raw: undefined },
    usage,
    warnings: [],
  };
  return new MockLanguageModelV4({ doGenerate: [...results, last] });
}

/** What the model was given for its calls, as it saw it last. */
function toolResults(model: MockLanguageModelV4) {
  return (model.doGenerateCalls.at(-1)?.prompt ?? [])
    .flatMap((message) => (message.role === "tool" ? message.content : []))
    .flatMap((part) => (part.type === "tool-result" ? [part.output] : []));
}

test("generateText runs the model's code in a sandbox whose variables stay, in one trace", async () => {
  const code = sandboxTool({ client: daemon.client });
  const model = modelThatRuns({ code: "x = 20\nprint('set')" }, { code: "x * 2 + 2" });
  const answer = await generateText({
    model,
    prompt: "What is it?",
    tools: { run_code: code.tool },
    stopWhen: isStepCount(5),
  });
  await code.close();

  assert.equal(answer.text, "done");
  assert.deepEqual(toolResults(model), [
    { type: "text", value: "set" },
    { type: "text", value: "[value]\n42" },
  ]);
  assert.deepEqual(await daemon.pathsToExecs(), [expectedPath("vercel-ai"), expectedPath("vercel-ai")]);
  const types = (await daemon.events()).map(({ type }) => type);
  assert.equal(types.filter((type) => type === "agent.tool_call").length, 2);
  assert.equal(types.filter((type) => type === "agent.tool_result").length, 2);
  assert.ok(types.includes("sandbox.terminated") && types.includes("run.completed"));
});

test("code that raises is told to the model as an error with its traceback, and so are arguments without code", async () => {
  await using code = sandboxTool({ client: daemon.client });
  const model = modelThatRuns({ code: "1 / 0" }, { program: "1" });
  await generateText({ model, prompt: "go", tools: { run_code: code.tool }, stopWhen: isStepCount(5) });
  const [raised, invalid] = toolResults(model);
  assert.equal(raised?.type, "error-text");
  assert.match(JSON.stringify(raised), /ZeroDivisionError.*\[exit code 1\]/);
  assert.match(JSON.stringify(invalid), /\{\\+"code\\+": string\}/);
});

test("a sandbox that cannot be made is an error of the tool, not a result of code", async () => {
  await using code = sandboxTool({ client: daemon.client, template: "no-such-template" });
  const answer = await generateText({
    model: modelThatRuns({ code: "1" }),
    prompt: "go",
    tools: { run_code: code.tool },
    stopWhen: isStepCount(2),
  });
  const errors = answer.steps.flatMap(({ content }) => content.filter((part) => part.type === "tool-error"));
  assert.deepEqual(
    errors.map(({ error }) => (error as { code?: string }).code),
    ["TEMPLATE_NOT_FOUND"],
  );
});
