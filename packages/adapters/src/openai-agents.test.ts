import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Agent, Runner } from "@openai/agents-core";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents-core/testing";
import { SandglassError } from "sandglass";
import { sandboxTool } from "./openai-agents.ts";
import { AdapterDaemon, expectedPath } from "./testing/adapter-daemon.ts";

let daemon: AdapterDaemon;
before(async () => {
  daemon = await AdapterDaemon.start();
});
after(() => daemon[Symbol.asyncDispose]());

/** Asks for each piece of code in turn, then says that it is done. */
function modelThatRuns(...inputs: unknown[]): ScriptedModel {
  const calls = inputs.map((input, index) => [
    functionCall("run_code", typeof input === "string" ? input : JSON.stringify(input), {
      callId: `call_${index}`,
    }),
  ]);
  return new ScriptedModel([...calls, [assistantMessage("done")]]);
}

/** What the model was given for its calls, as it saw it last. */
function toolResults(model: ScriptedModel): unknown[] {
  const input = model.calls.at(-1)?.request.input;
  return (typeof input === "string" ? [] : (input ?? [])).flatMap((item) =>
    item.type === "function_call_result" ? [item.output] : [],
  );
}

const runner = new Runner({ tracingDisabled: true });

test("an agent runs code in a sandbox and is given what it printed, in one trace", async () => {
  const code = sandboxTool({ client: daemon.client });
  const model = modelThatRuns({ code: "print(6 * 7)" });
  const agent = new Agent({ name: "Analyst", model, tools: [code.tool] });
  const result = await runner.run(agent, "What is it?");
  await code.close();

  assert.equal(result.finalOutput, "done");
  assert.deepEqual(toolResults(model), [{ type: "text", text: "42" }]);
  assert.deepEqual(await daemon.pathsToExecs(), [expectedPath("openai-agents")]);
  const types = (await daemon.events()).map(({ type }) => type);
  assert.ok(types.includes("agent.tool_call") && types.includes("agent.tool_result"));
});

test("code that raises and arguments that are no JSON are the model's to mend", async () => {
  await using code = sandboxTool({ client: daemon.client });
  const model = modelThatRuns({ code: "nothing_of_that_name" }, "no JSON", { code: 1 });
  await runner.run(new Agent({ name: "Analyst", model, tools: [code.tool] }), "go");
  const [raised, broken, wrong] = toolResults(model).map((result) => JSON.stringify(result));
  assert.match(raised ?? "", /NameError.*\[exit code 1\]/);
  assert.match(broken ?? "", /valid JSON/);
  assert.match(wrong ?? "", /arguments have to be/);
});

test("what fails of the runtime ends the agent's run", async () => {
  await using code = sandboxTool({ client: daemon.client, template: "no-such-template" });
  const agent = new Agent({ name: "Analyst", model: modelThatRuns({ code: "1" }), tools: [code.tool] });
  await assert.rejects(runner.run(agent, "go"), (error: Error & { error?: unknown }) => {
    const cause = error instanceof SandglassError ? error : error.error;
    return cause instanceof SandglassError && cause.code === "TEMPLATE_NOT_FOUND";
  });
});
