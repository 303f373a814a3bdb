import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { sandboxTool } from "./anthropic.ts";
import { AdapterDaemon, expectedPath } from "./testing/adapter-daemon.ts";
import { MessagesServer } from "./testing/messages-server.ts";

let daemon: AdapterDaemon;
before(async () => {
  daemon = await AdapterDaemon.start();
});
after(() => daemon[Symbol.asyncDispose]());

const use = (id: string, input: unknown, name = "run_code") => ({ type: "tool_use", id, name, input });

test("the documented loop runs every use of the tool in a message and sends the results back, in one trace", async () => {
  await using api = await MessagesServer.start([
    [
      { type: "text", text: "Let me see." },
      use("toolu_1", { code: "x = 41" }),
      use("toolu_2", { code: "print(x + 1)" }),
      use("toolu_3", {}, "somebody_elses"),
    ],
    [use("toolu_4", { code: "1 / 0" }), use("toolu_5", { program: "1" })],
    [{ type: "text", text: "done" }],
  ]);
  const anthropic = new Anthropic({ baseURL: api.url, apiKey: "none" });
  const code = sandboxTool({ client: daemon.client });
  const messages: Anthropic.MessageParam[] = [{ role: "user", content: "go" }];
  for (;;) {
    const { role, content, stop_reason } = await anthropic.messages.create({
      model: "claude-test",
      max_tokens: 100,
      messages,
      tools: [code.tool],
    });
    if (stop_reason !== "tool_use") break;
    messages.push({ role, content }, { role: "user", content: await code.results({ content }) });
  }
  await code.close();

  assert.deepEqual(api.requests[0]?.tools, [{ ...code.tool }]);
  assert.deepEqual(api.requests[1]?.messages.at(-1)?.content, [
    { type: "tool_result", tool_use_id: "toolu_1", content: "[no output]", is_error: false },
    { type: "tool_result", tool_use_id: "toolu_2", content: "42", is_error: false },
  ]);
  const last = api.requests[2]?.messages.at(-1)?.content ?? [];
  const [raised, invalid] = last as Anthropic.ToolResultBlockParam[];
  assert.equal(raised?.is_error, true);
  assert.match(String(raised?.content), /ZeroDivisionError/);
  assert.deepEqual([invalid?.tool_use_id, invalid?.is_error], ["toolu_5", true]);
  const path = expectedPath("anthropic");
  assert.deepEqual(await daemon.pathsToExecs(), [path, path, path]);
});

test("what fails of the runtime is thrown out of the loop", async () => {
  await using code = sandboxTool({ client: daemon.client, template: "no-such-template" });
  const content = [use("toolu_1", { code: "1" })] as never;
  await assert.rejects(code.results({ content }), { code: "TEMPLATE_NOT_FOUND" });
});
