import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type AIMessage, type BaseMessage, HumanMessage, type ToolMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { sandboxTool } from "./langchain.ts";
import { AdapterDaemon, expectedPath } from "./testing/adapter-daemon.ts";

let daemon: AdapterDaemon;
before(async () => {
  daemon = await AdapterDaemon.start();
});
after(() => daemon[Symbol.asyncDispose]());

/** The loop of an agent: asks the model, runs what it asks for, until it asks for nothing. */
async function runAgent(
  model: ReturnType<typeof fakeModel>,
  code: ReturnType<typeof sandboxTool>,
): Promise<{ messages: BaseMessage[]; toolMessages: ToolMessage[] }> {
  const bound = model.bindTools([code.tool]);
  const messages: BaseMessage[] = [new HumanMessage("go")];
  const toolMessages: ToolMessage[] = [];
  for (;;) {
    const answer = (await bound.invoke(messages)) as AIMessage;
    messages.push(answer);
    if (!answer.tool_calls?.length) return { messages, toolMessages };
    for (const call of answer.tool_calls) {
      const message = (await code.tool.invoke({ ...call, type: "tool_call" })) as ToolMessage;
      toolMessages.push(message);
      messages.push(message);
    }
  }
}

test("a bound tool runs the model's code, and its message carries the whole result as its artifact", async () => {
  const code = sandboxTool({ client: daemon.client, maxOutputChars: 100 });
  const model = fakeModel()
    .respondWithTools([{ name: "run_code", args: { code: "print('a' * 1000)" }, id: "call_1" }])
    .respond(new (await import("@langchain/core/messages")).AIMessage("done"));
  const { messages, toolMessages } = await runAgent(model, code);
  await code.close();

  assert.equal(messages.at(-1)?.content, "done");
  const [message] = toolMessages;
  assert.equal(message?.tool_call_id, "call_1");
  assert.match(String(message?.content), /^a{50}\n\[… 901 characters left out …\]\na{49}$/);
  assert.equal(message?.artifact.stdout, `${"a".repeat(1000)}\n`);
  assert.deepEqual(await daemon.pathsToExecs(), [expectedPath("langchain")]);
  const types = (await daemon.events()).map(({ type }) => type);
  assert.ok(types.includes("agent.tool_call") && types.includes("agent.tool_result"));
});

test("code that raises is a result, arguments without code are refused, and what fails of the runtime is thrown", async () => {
  await using code = sandboxTool({ client: daemon.client });
  assert.match(await code.tool.invoke({ code: "raise SystemExit(3)" }), /\[exit code 3\]/);
  await assert.rejects(code.tool.invoke({ program: "1" } as never), /schema/);
  await code.close();
  await assert.rejects(code.tool.invoke({ code: "1" }), { code: "INVALID_REQUEST" });
});
