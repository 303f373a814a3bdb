/** Models that ask once for the code that adds up to 5050, then answer: what stands for the reader's own in the examples of the pages. */
import { AIMessage, type BaseMessage, HumanMessage, type ToolMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { setDefaultModelProvider, setTracingDisabled } from "@openai/agents-core";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents-core/testing";
import { MockLanguageModelV4 } from "ai/test";

const INPUT = { code: "print(sum(range(101)))" };
const ANSWER = "They add up to 5050.";

/** Of the AI SDK. */
export function vercelModel(): MockLanguageModelV4 {
  const usage = {
    inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 1, text: 1, reasoning: 0 },
  };
  const rest = { usage, warnings: [] };
  const call = { toolCallId: "call_1", toolName: "run_code", input: JSON.stringify(INPUT) };
  return new MockLanguageModelV4({
    doGenerate: [
      {
        content: [{ type: "tool-call", ...call }],
        finishReason: { unified: "tool-calls", raw: undefined },
        ...rest,
      },
      {
        content: [{ type: "text", text: ANSWER }],
        finishReason: { unified: "stop", raw: undefined },
        ...rest,
      },
    ],
  });
}

/** Of the OpenAI Agents SDK, as the one that agents without a model of their own have. */
export function setOpenaiModel(): void {
  const model = new ScriptedModel([
    [functionCall("run_code", JSON.stringify(INPUT), { callId: "call_1" })],
    [assistantMessage(ANSWER)],
  ]);
  setTracingDisabled(true);
  setDefaultModelProvider({ getModel: () => model });
}

/** Of LangChain. */
export function langchainModel(): ReturnType<typeof fakeModel> {
  return fakeModel()
    .respondWithTools([{ name: "run_code", args: INPUT, id: "call_1" }])
    .respond(new AIMessage(ANSWER));
}

interface LangchainTool {
  invoke(call: unknown): Promise<unknown>;
}

/** What `createAgent` of the package `langchain`, which is not installed, does with a model and one tool; prints what is said. */
export function createAgent({
  model,
  tools,
}: {
  model: ReturnType<typeof fakeModel>;
  tools: LangchainTool[];
}): {
  invoke(input: { messages: { content: string }[] }): Promise<void>;
} {
  return {
    async invoke(input) {
      const messages: BaseMessage[] = input.messages.map(({ content }) => new HumanMessage(content));
      for (;;) {
        const answer = (await model.invoke(messages)) as AIMessage;
        messages.push(answer);
        if (!answer.tool_calls?.length) return console.log(answer.content);
        for (const call of answer.tool_calls) {
          const message = (await tools[0]?.invoke({ ...call, type: "tool_call" })) as ToolMessage;
          console.log("the sandbox said", message.content);
          messages.push(message);
        }
      }
    },
  };
}
