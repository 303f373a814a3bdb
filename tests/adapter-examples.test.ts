import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { runScript } from "./run-script.ts";

let daemon: TestDaemon;
let env: Record<string, string>;
before(async () => {
  daemon = await startDaemon();
  env = { SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey };
});
after(() => daemon.stop());

/** As Anthropic's API: asks for code once, then answers. */
function messagesApi(): Promise<{ url: string; close(): void }> {
  let asked = 0;
  const server = createServer((request, response) => {
    request.resume();
    const isFirst = asked++ === 0;
    const input = { code: "print(sum(range(101)))" };
    const content = isFirst
      ? [{ type: "tool_use", id: "toolu_1", name: "run_code", input }]
      : [{ type: "text", text: "They add up to 5050." }];
    const stop = { stop_reason: isFirst ? "tool_use" : "end_turn", stop_sequence: null };
    const usage = { input_tokens: 1, output_tokens: 1 };
    const message = { id: "msg_1", type: "message", role: "assistant", model: "m", content, ...stop, usage };
    response.setHeader("content-type", "application/json").end(JSON.stringify(message));
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () =>
      resolve({
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        close: () => server.close().closeAllConnections(),
      }),
    );
  });
}

for (const name of ["vercel-ai", "openai-agents", "langchain", "anthropic"]) {
  test(`the example for ${name} has code run in a sandbox, and leaves none behind`, async () => {
    const api = await messagesApi();
    try {
      const model = { ANTHROPIC_BASE_URL: api.url, ANTHROPIC_API_KEY: "none", ANTHROPIC_MODEL: "m" };
      const { code, stdout, stderr } = await runScript(`examples/adapters/${name}.ts`, { ...env, ...model });
      assert.equal(code, 0, stderr);
      assert.equal(stdout, "the sandbox said 5050\nThey add up to 5050.\n");
    } finally {
      api.close();
    }
    const { items } = (await (
      await fetch(`${daemon.url}/v1/sandboxes`, { headers: { authorization: `Bearer ${daemon.apiKey}` } })
    ).json()) as { items: unknown[] };
    assert.deepEqual(items, []);
  });
}
