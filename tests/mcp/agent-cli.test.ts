import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client, type RuntimeEvent } from "sandglass";

/** What a CLI with Claude Code's telemetry sends, by its documentation: events as logs, and metrics that repeat them. */
const CLI = `
import json, urllib.request
def value(v):
    return {"intValue": str(v)} if isinstance(v, int) else {"doubleValue": v} if isinstance(v, float) else {"stringValue": v}
def attributes(pairs): return [{"key": k, "value": value(v)} for k, v in pairs.items()]
session = {"session.id": "5a1b", "user.id": "f00d", "terminal.type": "xterm"}
def event(name, sequence, **said):
    pairs = {**session, "event.name": name, "event.timestamp": "2026-10-04T13:00:00.000Z", "event.sequence": sequence, **said}
    return {"timeUnixNano": "1796300000000000000", "body": {"stringValue": "claude_code." + name}, "attributes": attributes(pairs)}
resource = {"attributes": attributes({"service.name": "claude-code", "service.version": "2.1.0"})}
def send(signal, body):
    request = urllib.request.Request("http://127.0.0.1:4318/v1/" + signal, json.dumps(body).encode(), {"content-type": "application/json"})
    print(signal, urllib.request.urlopen(request).status)
send("logs", {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": [
    event("user_prompt", 1, prompt_length=12),
    event("api_request", 2, model="claude-opus-5", input_tokens=2, output_tokens=1200, cache_read_tokens=500, cache_creation_tokens=100, cost_usd=0.116641, duration_ms=1521, request_id="req_1"),
    event("tool_result", 3, tool_name="Bash", tool_use_id="toolu_1", success="true", duration_ms="1831"),
    event("api_error", 4, model="claude-opus-5", error="overloaded", status_code="529", duration_ms="20", attempt="1"),
]}]}]})
point = {"asDouble": 0.116641, "timeUnixNano": "1796300000000000000", "startTimeUnixNano": "1796290000000000000", "attributes": attributes({"model": "claude-opus-5"})}
send("metrics", {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": {"name": "com.anthropic.claude_code"}, "metrics": [
    {"name": "claude_code.cost.usage", "unit": "USD", "sum": {"dataPoints": [point], "aggregationTemporality": 1, "isMonotonic": True}},
]}]}]})
`;

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
  await sandbox.files.write("cli.py", CLI);
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
