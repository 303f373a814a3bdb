import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client, type RuntimeEvent } from "sandglass";
import { CLAUDE } from "./claude-telemetry.ts";

let daemon: TestDaemon;
let client: Client;
before(async () => {
  daemon = await startDaemon();
  client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
});
after(async () => {
  await client.close();
  await daemon.stop();
});

test("an agent CLI inside a sandbox without a network shows its tools, its errors and its cost, once each", async () => {
  await using sandbox = await client.createSandbox("python");
  await sandbox.files.write("cli.py", CLAUDE);
  const { stdout, stderr } = await sandbox.commands.run(["python3", "cli.py"]);
  assert.deepEqual([stdout, stderr], ["logs 200\nmetrics 200\n", ""]);

  const said = async (): Promise<RuntimeEvent[]> => {
    const events: RuntimeEvent[] = [];
    for await (const event of client.events({ sandboxId: sandbox.id, types: ["agent.*", "cost.llm"] }))
      if (event.type !== "gap") events.push(event);
    return events;
  };
  const events = await until("everything that it said is recorded", async () => {
    const found = await said();
    return found.length >= 4 && found;
  });
  assert.deepEqual(events.map(({ type }) => type).sort(), [
    "agent.error",
    "agent.tool_call",
    "agent.tool_result",
    "cost.llm",
  ]);
  for (const { data } of events) assert.equal((data as { origin?: string }).origin, "sandbox");
  const cost = events.find((event) => event.type === "cost.llm");
  assert.ok(cost?.type === "cost.llm");
  const { model, inputTokens, outputTokens, costUsd, priced } = cost.data;
  assert.deepEqual(
    { model, inputTokens, outputTokens, costUsd, priced },
    { model: "claude-opus-5", inputTokens: 602, outputTokens: 1200, costUsd: 0.116641, priced: "reported" },
  );
  const tool = events.find((event) => event.type === "agent.tool_result");
  assert.ok(tool?.type === "agent.tool_result");
  assert.deepEqual([tool.data.toolName, tool.data.isError], ["Bash", false]);
});
