import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestDaemon } from "@sandglass/testkit";
import { Client, type TraceSpan } from "sandglass";
import { type Connected, connectHttp, connectStdio, startServing } from "./mcp-clients.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER_SPAN = "00f067aa0ba902b7";
const traceparent = `00-${TRACE_ID}-${CALLER_SPAN}-01`;

let daemon: TestDaemon;
let api: Client;
before(async () => {
  daemon = await startServing();
  api = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
});
after(async () => {
  await api.close();
  await daemon.stop();
});

/** The names from a span up to the one that has no parent in the trace. */
function pathOf(spans: readonly TraceSpan[], from: TraceSpan | undefined): string[] {
  const path: string[] = [];
  for (let at = from; at !== undefined; ) {
    path.push(at.name);
    const { parentSpanId } = at;
    at = spans.find(({ spanId }) => spanId === parentSpanId);
  }
  return path;
}

const transports: [name: string, connect: (daemon: TestDaemon) => Promise<Connected>][] = [
  ["stdio", connectStdio],
  ["HTTP", connectHttp],
];

for (const [name, connect] of transports) {
  describe(`over ${name}`, () => {
    test("a call is one span below the caller's, and everything it caused hangs below that", async () => {
      await using mcp = await connect(daemon);
      const traceId = `${TRACE_ID.slice(0, -1)}${name.length}`;
      const { structured } = await mcp.call(
        "run_code",
        {
          code: "import os; print(os.environ['TRACEPARENT'], os.environ['TRACESTATE'], os.environ['BAGGAGE'])",
        },
        {
          traceparent: `00-${traceId}-${CALLER_SPAN}-01`,
          tracestate: "vendor=abc",
          baggage: "user.tier=gold",
        },
      );
      await mcp[Symbol.asyncDispose]();
      assert.equal(structured.trace_id, traceId);
      const { spans } = await api.traces.get(traceId);
      const calls = spans.filter(({ attributes }) => attributes["gen_ai.operation.name"] === "execute_tool");
      assert.equal(calls.length, 1);
      const [call] = calls;
      assert.equal(call?.parentSpanId, CALLER_SPAN);
      assert.equal(call?.attributes["gen_ai.tool.name"], "run_code");
      assert.equal(call?.status, "ok");
      const exec = spans.find((span) => span.name === "sandbox.execute");
      assert.deepEqual(pathOf(spans, exec), ["sandbox.execute", "http_request", "agent.tool_call"]);
      const created = spans.find((span) => span.name === "sandbox.create");
      assert.deepEqual(pathOf(spans, created), ["sandbox.create", "http_request", "agent.tool_call"]);
      // The process inside is in it too.
      assert.equal(structured.stdout, `00-${traceId}-${exec?.spanId}-01 vendor=abc user.tier=gold\n`);
    });

    test("calls of a client without a trace are one trace, below the run that is named after the client", async () => {
      const mcp = await connect(daemon);
      const first = await mcp.call("run_code", { code: "1" });
      const second = await mcp.call("read_file", { path: "missing" });
      await mcp[Symbol.asyncDispose]();
      assert.equal(second.isError, true);
      const { spans } = await api.traces.get(String(first.structured.trace_id));
      const calls = spans.filter((span) => span.name === "agent.tool_call");
      assert.deepEqual(
        calls.map(({ attributes, status }) => [attributes["gen_ai.tool.name"], status]),
        [
          ["run_code", "ok"],
          ["read_file", "error"],
        ],
      );
      const root = `invoke_agent ${name === "stdio" ? "stdio-test" : "http-test"}`;
      for (const call of calls) assert.deepEqual(pathOf(spans, call).slice(0, 2), ["agent.tool_call", root]);
    });

    test("an invalid traceparent is taken as none", async () => {
      await using mcp = await connect(daemon);
      const { structured } = await mcp.call(
        "run_code",
        { code: "1" },
        { traceparent: "00-zz-zz-01", tracestate: "a=b", baggage: 7 },
      );
      assert.equal(structured.exit_code, 0);
      assert.match(String(structured.trace_id), /^[0-9a-f]{32}$/);
    });
  });
}

test("over HTTP the header's traceparent counts where the message has none", async () => {
  const traceId = "11f92f3577b34da6a3ce929d0e0e4736";
  await using mcp = await connectHttp(daemon, {
    headers: { traceparent: `00-${traceId}-${CALLER_SPAN}-01` },
  });
  const { structured } = await mcp.call("run_code", { code: "1" });
  assert.equal(structured.trace_id, traceId);
  const inMeta = await mcp.call("run_code", { code: "1" }, { traceparent });
  assert.equal(inMeta.structured.trace_id, TRACE_ID);
});

test("arguments and results are in the record only where that is asked for", async () => {
  const secret = (side: string) => `swordfish-${side}`;
  const recorded = async (args: string[], side: string) => {
    const mcp = await connectStdio(daemon, { args });
    const { structured } = await mcp.call("read_file", { path: `${secret(side)}.txt` });
    assert.ok(structured.error);
    const { structured: record } = await mcp.call("get_events", { types: ["agent.*"] });
    await mcp.client.close();
    return JSON.stringify(record.events);
  };
  assert.doesNotMatch(await recorded([], "silent"), /swordfish/);
  const captured = await recorded(["--capture-content"], "captured");
  assert.match(captured, /"arguments":"\{\\"path\\":\\"swordfish-captured.txt\\"/);
  assert.match(captured, /"result":"FILE_NOT_FOUND/);
});
