// A sandbox as a tool of LangChain. Needs a daemon; the model is LangChain's fake one, so that no key is needed: put yours there.
import { AIMessage, type BaseMessage, HumanMessage, type ToolMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { sandboxTool } from "@sandglass/adapters/langchain";

await using code = sandboxTool();

const model = fakeModel()
  .respondWithTools([{ name: "run_code", args: { code: "print(sum(range(101)))" }, id: "call_1" }])
  .respond(new AIMessage("They add up to 5050."))
  .bindTools([code.tool]);

// What `createAgent` of the package `langchain` does: asks until nothing more is asked for.
const messages: BaseMessage[] = [new HumanMessage("What do the numbers from 1 to 100 add up to?")];
let answer: AIMessage;
do {
  answer = (await model.invoke(messages)) as AIMessage;
  messages.push(answer);
  for (const call of answer.tool_calls ?? []) {
    const message = (await code.tool.invoke({ ...call, type: "tool_call" })) as ToolMessage;
    console.log("the sandbox said", message.content);
    messages.push(message);
  }
} while (answer.tool_calls?.length);
console.log(answer.content);
