import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ExecRequest } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";
import { callContext, type Ran, run, startRuntime, type TestRuntime, until } from "@sandglass/testkit";
import { instrumentedEnvironment } from "../../packages/runtime/src/instrument/instrumented-environment.ts";
import { installedPackages, NODE_PACKAGES, PYTHON_PACKAGES } from "./installed-packages.ts";
import { processTree, type ReceivedSpan } from "./received-span.ts";
import { SpanSink } from "./span-sink.ts";

describe("OpenTelemetry's own instrumentation, where its packages are in the template", {
  timeout: 400_000,
}, () => {
  let sink: SpanSink;
  let host: TestRuntime;
  before(
    async () => {
      const [python, node] = await Promise.all([
        installedPackages("pip", PYTHON_PACKAGES),
        installedPackages("npm", NODE_PACKAGES),
      ]);
      sink = await SpanSink.start();
      host = await startRuntime({
        collector: sink,
        templates: {
          python: {
            poolSize: 0,
            mounts: [{ source: python, target: "/opt/packages" }],
            env: instrumentedEnvironment({ PYTHONPATH: "/opt/packages" }),
          },
          node: {
            mounts: [{ source: node, target: "/opt/packages" }],
            env: instrumentedEnvironment({ NODE_PATH: "/opt/packages/node_modules" }),
          },
          bare: { env: instrumentedEnvironment({}) },
        },
      });
    },
    { timeout: 400_000 },
  );
  after(async () => {
    await host?.close();
    await sink?.[Symbol.asyncDispose]();
  });

  async function traced(
    sandbox: SandboxHandle,
    request: ExecRequest,
    count = 0,
  ): Promise<Ran & { spans: ReceivedSpan[]; tree: string[] }> {
    const context = callContext();
    const ran = await run(sandbox, request, context);
    if (count > 0) await until(`${count} spans are there`, () => sink.of(context.traceId).length >= count);
    const started = host.events.all.find(
      (event) => event.type === "exec.started" && event.traceId === context.traceId,
    );
    const spans = sink.of(context.traceId);
    const tree = processTree(spans, started?.spanId ?? "").map((line) =>
      line.replace(/(python3)[.\d]*|(\/opt\/packages.*)/, "$1"),
    );
    return { ...ran, spans, tree };
  }

  const QUERY = "import sqlite3\nsqlite3.connect(':memory:').cursor().execute('SELECT 1')";

  test("a Python program's spans are below its process, its threads' too, and its children's below it", async () => {
    const sandbox = await host.create({ template: "python" });
    await write(
      sandbox,
      "/workspace/main.py",
      `
import subprocess, threading
${QUERY}
thread = threading.Thread(target=lambda: exec(${JSON.stringify(QUERY)}))
thread.start(); thread.join()
subprocess.run(["python3", "child.py"])
`,
    );
    await write(sandbox, "/workspace/child.py", QUERY);
    const { tree, stderr, spans } = await traced(sandbox, { command: "python3 main.py | cat" });
    assert.equal(stderr, "");
    assert.deepEqual(tree, [
      "bash -c python3 main.py | cat",
      "  cat",
      "  python3 main.py",
      "    [SELECT]",
      "    [SELECT]",
      "    python3 child.py",
      "      [SELECT]",
    ]);
    assert.equal(spans.find((span) => span.name === "SELECT")?.attributes["db.system"], "sqlite");
  });

  test("a cell's spans are below its exec, in an interpreter that was there before", async () => {
    const sandbox = await host.create({ template: "python" });
    for (let cell = 0; cell < 2; cell++) {
      const { tree, stderr } = await traced(sandbox, { code: QUERY, language: "python" }, 1);
      assert.deepEqual([tree, stderr], [["[SELECT]"], ""]);
    }
    const threaded = `import threading\nt = threading.Thread(target=lambda: exec(${JSON.stringify(QUERY)})); t.start(); t.join()`;
    assert.deepEqual((await traced(sandbox, { code: threaded, language: "python" }, 1)).tree, ["[SELECT]"]);
  });

  test("a Node program's spans are below its process, whatever kind of module it is", async () => {
    const sandbox = await host.create({ template: "node" });
    const call = (http: string): string => `${http}
      const server = http.createServer((_, response) => response.end("ok")).listen(0, async () => {
        await (await fetch("http://127.0.0.1:" + server.address().port)).text();
        server.close();
      });`;
    await write(sandbox, "/workspace/main.cjs", call("const http = require('node:http');"));
    await write(sandbox, "/workspace/main.mjs", call("import http from 'node:http';"));
    for (const program of ["main.cjs", "main.mjs"]) {
      const { tree, stderr } = await traced(sandbox, { command: `node ${program}` });
      assert.equal(stderr, "");
      assert.deepEqual(tree, [`node ${program}`, "  [GET]", "    [GET]"]);
    }
  });

  test("a sitecustomize of the template's, or of the distribution, runs as ever", async () => {
    const sandbox = await host.create({ template: "bare" });
    await write(sandbox, "/opt/site/sitecustomize.py", "import builtins\nbuiltins.customized = __file__\n");
    const script =
      "import sys, sitecustomize; print(customized, sitecustomize.__file__, [p for p in sys.path if 'sandglass' in p])";
    const { stdout } = await traced(sandbox, {
      argv: ["env", "PYTHONPATH=/run/sandglass/python:/opt/site", "python3", "-c", script],
    });
    assert.equal(stdout, "/opt/site/sitecustomize.py /opt/site/sitecustomize.py []\n");
    await write(sandbox, "/opt/site/sitecustomize.py", "raise RuntimeError('of the user')\n");
    const broken = await traced(sandbox, {
      argv: ["env", "PYTHONPATH=/run/sandglass/python:/opt/site", "python3", "-c", "print(1)"],
    });
    assert.equal(broken.stdout, "1\n");
    assert.match(broken.stderr, /of the user/);
  });

  test("where the packages are not there, or only some, nothing is said and nothing fails", async () => {
    const sandbox = await host.create({ template: "bare" });
    for (const path of ["opentelemetry/instrumentation/auto_instrumentation", "opentelemetry/sdk"])
      await write(sandbox, `/opt/half/${path}/__init__.py`, "raise SystemExit('it was imported')\n");
    const command = `python3 -c "print(1)"; PYTHONPATH=$PYTHONPATH:/opt/half python3 -c "print(2)"
      node -p 3; echo 'console.log(process.argv[2])' > main.mjs; node main.mjs 4; node -e 'console.log(process.argv[1])' 5`;
    const { stdout, stderr } = await traced(sandbox, { command });
    assert.deepEqual([stdout, stderr], ["1\n2\n3\n4\n5\n", ""]);
  });
});

async function write(sandbox: SandboxHandle, path: string, text: string): Promise<void> {
  const content = (async function* () {
    yield Buffer.from(text);
  })();
  await sandbox.files.write(path, content, callContext());
}
