import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { callHttp, until } from "@sandglass/testkit";
import type { ExecResult, Sandbox } from "sandglass";
import { HostSdk } from "./host-sdk.ts";
import { INSTALL_TIMEOUT_MS } from "./sandbox-packages.ts";
import { type ArrivedSpan, spansAt, traceTree } from "./span-tree.ts";
import { TracedDaemon } from "./traced-daemon.ts";

const START = "import traced\ntraced.start()";

describe("from a test's own span to a child process inside a sandbox is one tree", () => {
  let world: TracedDaemon;
  let sdk: HostSdk;
  before(
    async () => {
      world = await TracedDaemon.start({ templates: { warm: { warmup: START, poolSize: 1 } } });
      sdk = new HostSdk(world.sink.url);
    },
    { timeout: INSTALL_TIMEOUT_MS },
  );
  after(async () => {
    await sdk?.[Symbol.asyncDispose]();
    await world?.[Symbol.asyncDispose]();
  });

  /** What is inside told its standard output: the ids of its spans by their names. */
  function told({ stdout, stderr }: ExecResult): Record<string, string> {
    assert.equal(stderr, "");
    const lines = stdout.trim().split("\n");
    return Object.fromEntries(
      lines.map((line) => line.split(" ")).map(([name = "", ...ids]) => [name, ids.join(" ")]),
    );
  }

  /** Runs one exec below a span of the test and checks its whole trace, in which each span inside is the parent of the next. */
  async function traced(
    sandbox: Sandbox,
    exec: () => Promise<ExecResult>,
    names: readonly [string, ...string[]] = ["work", "child"],
  ): Promise<void> {
    const { value, traceId, spanId } = await sdk.inSpan("test", exec);
    await sdk.flush();
    const chain = ["test", "sandglass.execs.run", "http_request", "sandbox.execute", ...names];
    // The daemon's word on a request comes some moments behind its answer.
    await until("the whole trace is there", () => {
      const ofTrace = spansAt(world.sink).filter((span) => span.traceId === traceId);
      return ofTrace.length >= chain.length;
    });
    await world.delivered();
    const spans = spansAt(world.sink);
    assert.deepEqual(
      traceTree(spans, traceId).map((line) => line.replace(/(python3)[.\d]+$/, "$1")),
      chain.map((name, depth) => "  ".repeat(depth) + name),
    );
    const only = (name: string): ArrivedSpan => {
      const [found, ...more] = spans.filter((span) => span.traceId === traceId && span.name === name);
      assert.deepEqual(more, []);
      return found as ArrivedSpan;
    };
    const root = only("test");
    assert.deepEqual([root.spanId, root.parentSpanId], [spanId, ""]);
    assert.equal(value.traceId, traceId);
    assert.equal(only("sandbox.execute").attributes["sandglass.exec.id"]?.stringValue, value.execId);
    const own = names.filter((name) => name !== "python3");
    assert.deepEqual(
      told(value),
      Object.fromEntries(own.map((name) => [name, `${traceId} ${only(name).spanId}`])),
    );
    for (const name of own) {
      const { resource } = only(name);
      assert.equal(resource["sandglass.sandbox.id"]?.stringValue, sandbox.id);
      assert.equal(resource["service.name"]?.stringValue, sandbox.template);
    }
    assert.equal(only("sandbox.execute").resource["sandglass.sandbox.id"]?.stringValue, sandbox.id);
  }

  test("for a command that starts a process, which starts a process", async () => {
    await using sandbox = await world.client.createSandbox("plain");
    const command = "python3 /opt/inside/traced.py work child grandchild";
    await traced(sandbox, () => sandbox.commands.run(command), ["work", "child", "grandchild"]);
  });

  test("in a sandbox of the pool whose SDK was started before it was anybody's", async () => {
    await until("one is in the pool", async () => {
      const { text } = await callHttp({ url: world.daemon.url, apiKey: world.daemon.apiKey }, "GET /metrics");
      return /^sandglass_pool_ready\{template="warm"\} 1$/m.test(text);
    });
    await using sandbox = await world.client.createSandbox("warm");
    assert.equal((await sandbox.info()).source, "pool");
    await traced(sandbox, () => sandbox.runCode('traced.work("work", "child")'));
  });

  test("in the second cell of a REPL whose SDK the first one started, and in the third", async () => {
    await using sandbox = await world.client.createSandbox("plain");
    await sandbox.runCode(START);
    await traced(sandbox, () => sandbox.runCode('traced.work("work", "child")'));
    const deep = ["work", "child", "grandchild"] as const;
    await traced(sandbox, () => sandbox.runCode('traced.work("work", "child", "grandchild")'), deep);
  });

  test("after a pause, for cells and for commands", async () => {
    await using sandbox = await world.client.createSandbox("plain");
    await sandbox.runCode(START);
    await sandbox.pause();
    await sandbox.resume();
    await traced(sandbox, () => sandbox.runCode('traced.work("work", "child")'));
    await traced(sandbox, () => sandbox.commands.run("python3 /opt/inside/traced.py work child"));
  });

  test("for each of two cells that run at the same time, and of two commands", async () => {
    await using sandbox = await world.client.createSandbox("plain");
    const contexts = ["a", "b"] as const;
    await Promise.all(contexts.map((contextId) => sandbox.runCode(START, { contextId })));
    const meet = (mine: string, other: string, contextId: string) => () =>
      sandbox.runCode(`traced.work("work", "child", meet=("${mine}", "${other}"))`, { contextId });
    await Promise.all([traced(sandbox, meet("a", "b", "a")), traced(sandbox, meet("b", "a", "b"))]);

    const run = (mine: string, other: string) => () =>
      sandbox.commands.run("python3 /opt/inside/traced.py work child", { env: { MEET: `${mine},${other}` } });
    await Promise.all([traced(sandbox, run("c", "d")), traced(sandbox, run("d", "c"))]);
  });

  test("with the processes between the spans, where the sandbox is instrumented", async () => {
    await using sandbox = await world.client.createSandbox("plain", { instrument: true });
    const argv = ["python3", "/opt/inside/traced.py", "work", "child"];
    await traced(sandbox, () => sandbox.commands.run(argv), ["python3", "work", "python3", "child"]);
    await sandbox.runCode(START);
    await traced(sandbox, () => sandbox.runCode('traced.work("work", "child")'), [
      "work",
      "python3",
      "child",
    ]);
  });
});
