// A sandbox as a tool of the Vercel AI SDK. Needs a daemon; the model is a scripted one, so that no key is needed: put yours there.
import { sandboxTool } from "@sandglass/adapters/vercel-ai";
import { generateText, isStepCount } from "ai";
import { MockLanguageModelV4 } from "ai/test";

await using code = sandboxTool();

const { text, steps } = await generateText({
  model: scripted("print(sum(range(101)))"),
  prompt: "What do the numbers from 1 to 100 add up to?",
  tools: { run_code: code.tool },
  stopWhen: isStepCount(10),
});
for (const { output } of steps.flatMap(({ toolResults }) => toolResults))
  console.log("the sandbox said", (output as { text: string }).text);
console.log(text);

/** Asks for one piece of code, then answers. */
function scripted(program: string): MockLanguageModelV4 {
  const usage = {
    inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 1, text: 1, reasoning: 0 },
  };
  const call = { toolCallId: "call_1", toolName: "run_code", input: JSON.stringify({ code: program }) };
  return new MockLanguageModelV4({
    doGenerate: [
      {
        content: [{ type: "tool-call", ...call }],
        finishReason: { unified: "tool-calls", raw: undefined },
        usage,
        warnings: [],
      },
      {
        content: [{ type: "text", text: "They add up to 5050." }],
        finishReason: { unified: "stop", raw: undefined },
        usage,
        warnings: [],
      },
    ],
  });
}
