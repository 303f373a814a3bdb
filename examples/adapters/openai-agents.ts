// A sandbox as a tool of the OpenAI Agents SDK. Needs a daemon; the model is a scripted one, so that no key is needed: leave `model`
// out, and set OPENAI_API_KEY.
import { Agent, Runner } from "@openai/agents-core";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents-core/testing";
import { sandboxTool } from "@sandglass/adapters/openai-agents";

await using code = sandboxTool();

const model = new ScriptedModel([
  [functionCall("run_code", JSON.stringify({ code: "print(sum(range(101)))" }), { callId: "call_1" })],
  [assistantMessage("They add up to 5050.")],
]);
const agent = new Agent({ name: "Analyst", model, tools: [code.tool] });
const result = await new Runner({ tracingDisabled: true }).run(
  agent,
  "What do the numbers from 1 to 100 add up to?",
);
for (const item of result.newItems)
  if (item.type === "tool_call_output_item") console.log("the sandbox said", item.output);
console.log(result.finalOutput);
