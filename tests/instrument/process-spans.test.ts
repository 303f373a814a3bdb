import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PARENT, runTraced, TRACE } from "./run-traced.ts";
import { SpanSink } from "./span-sink.ts";

const shells = ["bash", "dash"];

describe("a span for every process", () => {
  let sink: SpanSink;
  before(async () => {
    sink = await SpanSink.start();
  });
  after(async () => {
    await sink[Symbol.asyncDispose]();
  });

  const tree = async (...argv: string[]): Promise<string[]> => (await runTraced(sink, argv)).tree;
  /** What one shell line made, without the line of the shell itself. */
  const below = async (shell: string, script: string): Promise<string[]> =>
    (await tree(shell, "-c", script)).slice(1).map((line) => line.slice(2));

  test("says by the semantic conventions what ran, where, for how long and how it ended", async () => {
    const started = Date.now();
    const { spans, code } = await runTraced(sink, ["bash", "-c", "cd /tmp; exit 3"], {
      OTEL_SERVICE_NAME: "analyst",
      OTEL_RESOURCE_ATTRIBUTES: "team=data%2Cml,service.name=other",
      TRACESTATE: "vendor=1",
    });
    assert.equal(code, 3);
    assert.equal(spans.length, 1);
    const [span] = spans;
    assert.ok(span);
    assert.deepEqual([span.traceId, span.parentSpanId, span.name], [TRACE, PARENT, "bash"]);
    assert.deepEqual([span.scope, span.status], ["sandglass.process", 2]);
    assert.ok(span.startMs >= started - 1000 && span.startMs <= span.endMs && span.endMs <= Date.now() + 1);
    const { "process.pid": pid, "sandglass.process.max_rss_bytes": rss, ...rest } = span.attributes;
    assert.ok(Number(pid) > 1);
    assert.ok(Number(rss) > 1_000_000 && Number(rss) < 50_000_000, `${rss} bytes for a shell`);
    assert.deepEqual(Object.keys(rest).splice(-2), [
      "sandglass.process.cpu.user_ms",
      "sandglass.process.cpu.system_ms",
    ]);
    assert.deepEqual(
      { ...rest, "sandglass.process.cpu.user_ms": 0, "sandglass.process.cpu.system_ms": 0 },
      {
        "process.parent_pid": process.pid,
        "process.executable.name": "bash",
        "process.executable.path": "/usr/bin/bash",
        "process.command_args": ["bash", "-c", "cd /tmp; exit 3"],
        "process.working_directory": process.cwd(),
        "process.exit.code": 3,
        "error.type": "3",
        "sandglass.process.cpu.user_ms": 0,
        "sandglass.process.cpu.system_ms": 0,
      },
    );
    assert.deepEqual(span.resource, { "service.name": "analyst", team: "data,ml" });
  });

  for (const shell of shells) {
    test(`shows a pipeline of ${shell} as siblings`, async () => {
      const made = ["cat", "grep b → 1", "wc -l", `${shell} (fork)`].sort();
      assert.deepEqual(await below(shell, "echo a | cat | grep b | wc -l; true"), made);
    });

    test(`shows a subshell of ${shell} with what it ran below it`, async () => {
      assert.deepEqual(await below(shell, "(/bin/true; (false; exit 4); exit 5); x=$(echo hi); exit 0"), [
        `${shell} (fork)`,
        `${shell} (fork) → 5`,
        `  ${shell} (fork) → 4`,
        "  true",
      ]);
    });
  }

  test("a program that is only a way to start another is not there beside it", async () => {
    assert.deepEqual(await tree("env", "A=b", "nice", "sh", "-c", "exec nohup true"), ["true"]);
    assert.deepEqual(await tree("timeout", "9", "bash", "-c", "sh -c 'exit 7'"), [
      "timeout 9 bash -c sh -c 'exit 7' → 7",
      "  dash -c exit 7 → 7",
    ]);
  });

  test("a program that has started others and executes one in its place stays their parent", async () => {
    const script = "/bin/true; (/bin/true; exec env cat /dev/null); exec grep x /dev/null";
    const { tree, spans } = await runTraced(sink, ["bash", "-c", script]);
    assert.deepEqual(tree, [
      `bash -c ${script} → replaced`,
      "  bash (fork) → replaced",
      "    cat /dev/null",
      "    true",
      "  grep x /dev/null → 1",
      "  true",
    ]);
    const replaced = spans.filter((span) => span.attributes["sandglass.process.replaced"] === true);
    assert.deepEqual(
      replaced.map(({ attributes, status }) => ["process.exit.code" in attributes, status]),
      [
        [false, 0],
        [false, 0],
      ],
    );
  });

  test("one that a signal ended is reported by its parent", async () => {
    assert.deepEqual(await below("bash", "yes | head -1; sh -c 'true; kill -9 $$'; true"), [
      "head -1",
      "sh -c true; kill -9 $$ → SIGKILL",
      "yes → SIGPIPE",
    ]);
    const { spans } = await runTraced(sink, ["bash", "-c", "sh -c 'kill -SEGV $$'; true"]);
    const killed = spans.find((span) => span.name === "sh");
    assert.equal(killed?.attributes["process.exit.code"], 139);
    assert.equal(killed?.attributes["error.type"], "SIGSEGV");
    assert.equal(killed?.status, 2);
  });

  test("Python's ways to start a process are told apart", async () => {
    const script = `
import multiprocessing, os, subprocess
def work():
    subprocess.run(["cat", "/dev/null"])
child = multiprocessing.get_context("fork").Process(target=work)
child.start(); child.join()
os.waitpid(os.posix_spawn("/usr/bin/false", ["false"], os.environ), 0)
os.system("exit 3")
sleeper = subprocess.Popen(["sleep", "60"]); sleeper.kill(); sleeper.wait()
subprocess.run(["wc", "-l"], stdin=subprocess.DEVNULL, env={**os.environ, "A": "b"}, stdout=subprocess.DEVNULL)
if os.fork() == 0: os.execvp("cut", ["cut", "-c1", "/dev/null"])
os.wait()
`;
    const [python, ...children] = await tree("/usr/bin/python3", "-c", script);
    assert.match(python ?? "", /^python3/);
    assert.deepEqual(
      children.map((line) => line.replace(/python3[\d.]*/, "python3")),
      [
        "  cut -c1 /dev/null",
        "  dash -c exit 3 → 3",
        "  false → 1",
        "  python3 (fork)",
        "    cat /dev/null",
        "  sleep 60 → SIGKILL",
        "  wc -l",
      ],
    );
  });

  test("Node's children are below it, also when they are Node", async () => {
    const script = `const { execFileSync, execSync } = require("child_process");
      execSync("echo hi | cat"); execFileSync(process.execPath, ["-e", "process.exitCode = 0"]);`;
    const [node, ...children] = await tree(process.execPath, "-e", script);
    assert.match(node ?? "", /^node -e/);
    assert.deepEqual(children, [
      "  dash -c echo hi | cat",
      "    cat",
      "    dash (fork)",
      "  node -e process.exitCode = 0",
    ]);
  });

  test("a TRACEPARENT that a program sets for a child is the child's parent", async () => {
    const other = "00-11111111111111111111111111111111-2222222222222222-01";
    const spans = (await runTracedAnywhere(["bash", "-c", `TRACEPARENT=${other} cat /dev/null; true`])).sort(
      (a, b) => a.name.localeCompare(b.name),
    );
    assert.deepEqual(
      spans.map(({ name, traceId, parentSpanId }) => [name, traceId, parentSpanId]),
      [
        ["bash", TRACE, PARENT],
        ["cat", "1".repeat(32), "2".repeat(16)],
      ],
    );
  });

  test("what is not sampled, or has no valid parent, is not reported and not changed", async () => {
    for (const given of [
      `00-${TRACE}-${PARENT}-00`,
      `00-${"0".repeat(32)}-${PARENT}-01`,
      `00-${TRACE.toUpperCase()}-${PARENT}-01`,
      `01-${TRACE}-${PARENT}-01`,
      `00-${TRACE}-${PARENT}-01-x`,
      "",
    ]) {
      const { spans, stdout } = await runTraced(
        sink,
        ["bash", "-c", 'echo "$TRACEPARENT"; (true); cat /dev/null'],
        {
          TRACEPARENT: given,
        },
      );
      assert.deepEqual([spans, stdout], [[], `${given}\n`]);
    }
    const { spans } = await runTraced(sink, ["bash", "-c", "(true); cat /dev/null"], {
      TRACEPARENT: undefined,
    });
    assert.deepEqual(spans, []);
  });

  test("two hundred processes, sixteen at a time, are two hundred spans", async () => {
    const { spans, code } = await runTraced(sink, [
      "bash",
      "-c",
      "seq 200 | xargs -P16 -n1 sh -c 'exit 0' ; true",
    ]);
    assert.equal(code, 0);
    const xargs = spans.find((span) => span.name === "xargs");
    const started = spans.filter((span) => span.parentSpanId === xargs?.spanId);
    assert.deepEqual([started.length, new Set(started.map((span) => span.spanId)).size], [200, 200]);
  });

  async function runTracedAnywhere(argv: string[]): Promise<(typeof sink.spans)[number][]> {
    const before = sink.spans.length;
    await runTraced(sink, argv).catch((error: Error) => assert.match(error.message, /^no parent of/));
    return sink.spans.slice(before);
  }
});
