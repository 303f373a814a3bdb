import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { startMessagesApi } from "./docs/messages-api.ts";
import { runScript } from "./run-script.ts";

let daemon: TestDaemon;
let env: Record<string, string>;
before(async () => {
  daemon = await startDaemon();
  env = { SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey };
});
after(() => daemon.stop());

for (const name of ["vercel-ai", "openai-agents", "langchain", "anthropic"]) {
  test(`the example for ${name} has code run in a sandbox, and leaves none behind`, async () => {
    const api = await startMessagesApi();
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
