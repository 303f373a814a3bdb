import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ExecRequest } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";
import { callContext, type Ran, run, startRuntime, type TestRuntime } from "@sandglass/testkit";
import {
  instrumentation,
  instrumentedEnvironment,
} from "../../packages/runtime/src/instrument/instrumented-environment.ts";
import { processTree, type ReceivedSpan } from "./received-span.ts";
import { SpanSink } from "./span-sink.ts";

describe("in an instrumented sandbox", () => {
  let sink: SpanSink;
  let host: TestRuntime;
  let sandbox: SandboxHandle;
  before(async () => {
    sink = await SpanSink.start();
    host = await startRuntime({
      collector: sink,
      templates: { python: { poolSize: 0 }, instrumented: { env: instrumentedEnvironment({}) } },
    });
    sandbox = await host.create({ template: "instrumented" });
  });
  after(async () => {
    await host.close();
    await sink[Symbol.asyncDispose]();
  });

  /** The spans of one exec and their tree below its own, which the host reports. */
  async function traced(request: ExecRequest): Promise<Ran & { spans: ReceivedSpan[]; tree: string[] }> {
    const context = callContext();
    const ran = await run(sandbox, request, context);
    const started = host.events.all.find(
      (event) => event.type === "exec.started" && event.traceId === context.traceId,
    );
    const spans = sink.of(context.traceId);
    const tree = processTree(spans, started?.spanId ?? "").map((line) =>
      line.replace(/python3[.\d]*/, "python3"),
    );
    return { ...ran, spans, tree };
  }

  test("a script's pipeline is a tree below the exec", async () => {
    const script = `printf 'a\\nb\\nb\\n' > data
cat data | grep b | wc -l
for f in 1 2; do sh -c "exit $f"; done
exit 0
`;
    await sandbox.files.write(
      "/workspace/report.sh",
      (async function* () {
        yield Buffer.from(`#!/bin/bash\n${script}`);
      })(),
      callContext(),
      { mode: 0o755 },
    );
    const { tree, stdout, spans } = await traced({
      command: "./report.sh",
      env: { OTEL_SERVICE_NAME: "reports" },
    });
    assert.equal(stdout, "2\n");
    assert.deepEqual(tree, [
      "bash ./report.sh",
      "  cat data",
      "  dash -c exit 1 → 1",
      "  dash -c exit 2 → 2",
      "  grep b",
      "  wc -l",
    ]);
    assert.deepEqual([...new Set(spans.map((span) => span.resource["service.name"]))], ["reports"]);
    assert.equal(spans[0]?.attributes["process.working_directory"], "/workspace");
  });

  test("Python's and Node's children are below them", async () => {
    const python = "import subprocess; subprocess.run(['sh', '-c', 'ls /nowhere 2>&1 | cat; exit 3'])";
    assert.deepEqual((await traced({ argv: ["python3", "-c", python] })).tree, [
      `python3 -c ${python}`,
      "  dash -c ls /nowhere 2>&1 | cat; exit 3 → 3",
      "    cat",
      "    ls /nowhere → 2",
    ]);
    const node = "require('child_process').spawnSync('sleep', ['60'], { timeout: 50 })";
    assert.deepEqual((await traced({ argv: ["node", "-e", node] })).tree, [
      `node -e ${node}`,
      "  sleep 60 → SIGTERM",
    ]);
  });

  test("three hundred processes in a row are three hundred spans", async () => {
    const { spans } = await traced({ command: "for i in {1..300}; do /bin/true; done; exit 0" });
    assert.deepEqual([spans.length, spans.filter((span) => span.name === "true").length], [301, 300]);
  });

  test("nothing of it shows in what a program prints, and no file is left behind", async () => {
    const { stdout, stderr } = await traced({
      command:
        "env | grep -c SANDGLASS; python3 -c 'print(1)'; node -p 2; find /run/sandglass/python -type f -size +0",
    });
    assert.deepEqual([stdout, stderr], ["0\n1\n2\n/run/sandglass/python/sitecustomize.py\n", ""]);
  });

  const cells = {
    python: `
import subprocess, os
subprocess.run(["cat", "/dev/null"])
pid = os.fork()
if pid == 0: os._exit(4)
_ = os.waitpid(pid, 0)`,
    javascript: "require('child_process').execFileSync('cat', ['/dev/null'])",
    bash: "x=$(echo hi); echo a | while read y; do :; done; cat /dev/null",
  };
  const trees = {
    python: ["cat /dev/null", "python3 (fork) → 4"],
    javascript: ["cat /dev/null"],
    bash: [...Array(3).fill("bash (fork)"), "cat /dev/null"],
  };
  for (const language of ["python", "javascript", "bash"] as const) {
    test(`what each cell of ${language} starts is below that cell`, async () => {
      for (let cell = 1; cell <= 3; cell++) {
        const { stderr, info, tree } = await traced({ code: cells[language], language });
        assert.deepEqual([stderr, info.exitCode], ["", 0]);
        assert.deepEqual(tree, trees[language], `cell ${cell}`);
      }
    });
  }

  test("an interpreter that was started without it begins to trace what its cells start", async () => {
    sandbox = await host.create({ template: "python" });
    const env = instrumentation({});
    for (const language of ["python", "javascript", "bash"] as const) {
      const { stderr, tree } = await traced({ code: cells[language], language, env });
      assert.deepEqual([stderr, tree], ["", ["cat /dev/null"]], language);
    }
    assert.deepEqual(
      (await traced({ code: cells.python, language: "python" })).tree,
      [],
      "it was that cell's alone",
    );
  });
});
