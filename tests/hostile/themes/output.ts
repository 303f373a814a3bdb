import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { ExecCompletedData } from "@sandglass/protocol";
import { callHttp, jsonLines } from "@sandglass/testkit";
import { linesOf } from "../../telemetry/logging-daemon.ts";
import type { Theme } from "../attack.ts";
import type { Scene } from "../scene.ts";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
/** What the daemon may grow by while it carries a gigabyte: it holds a few windows of it, never the whole. */
const MAX_GROWTH_BYTES = 300 * MIB;

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

/** Counts what a command writes without keeping it. */
async function countBytes(
  scene: Scene,
  command: readonly string[],
): Promise<{ bytes: number; cause: string; execId: string }> {
  let bytes = 0;
  for await (const event of scene.sandbox.commands.stream(command)) {
    if (event.type === "stdout")
      bytes += Buffer.byteLength(event.data, event.encoding === "base64" ? "base64" : "utf8");
    if (event.type === "exit") return { bytes, cause: event.cause, execId: event.execId };
  }
  throw new Error("it has no end");
}

/** Waits for an exec's end however long that takes: what carries a gigabyte takes its time beside other work. */
async function endOf({ host, sandbox }: Scene, execId: string | undefined): Promise<ExecCompletedData> {
  const types = ["exec.completed"];
  for await (const event of host.client.events({ sandboxId: sandbox.id, types, follow: true }))
    if (event.type === "exec.completed" && event.data.execId === execId) return event.data;
  throw new Error("it has no end");
}

/** What is written to stdout and stderr, and what that does to those who read and log it. */
export const output: Theme = {
  name: "output",
  attacks: [
    {
      name: "a gigabyte of it is taken and counted to the byte, and the daemon keeps none of it in memory",
      options: { maxOutputBytes: 2 * GIB },
      async run(scene) {
        const { pid } = scene.host.daemon;
        const before = residentBytes(pid);
        const program = "import os\nfor _ in range(1024): os.write(1, b'x' * (1 << 20))";
        const stream = scene.sandbox.commands.stream(["python3", "-c", program]);
        await stream.next();
        // A reader that has gone: the daemon alone has all of it then.
        await stream.return(undefined);
        const { items } = await scene.sandbox.execs.list();
        const ended = await endOf(scene, items.find(({ state }) => state === "running")?.id);
        assert.deepEqual([ended.cause, ended.stdoutBytes], ["exited", GIB]);
        const grown = residentBytes(pid) - before;
        assert.ok(grown < MAX_GROWTH_BYTES, `the daemon grew by ${Math.round(grown / MIB)} MiB`);
      },
    },
    {
      name: "more than maxOutputBytes ends the exec with output_limit, and not a byte more is kept",
      options: { maxOutputBytes: MIB },
      async run(scene) {
        const { cause, stdout, stderr } = await scene.run("yes & yes >&2");
        assert.equal(cause, "output_limit");
        assert.equal(stdout.length + stderr.length, MIB);
        const { cause: ofCell } = await scene.cell("while True: print('x' * 100000)");
        assert.equal(ofCell, "output_limit");
      },
    },
    {
      name: "a line without end is carried, and as a log line cut",
      options: { logs: true },
      async run(scene) {
        const { bytes, execId } = await countBytes(scene, [
          "python3",
          "-c",
          "import sys; sys.stdout.write('x' * (32 << 20))",
        ]);
        assert.equal(bytes, 32 * MIB);
        const { client, sink } = scene.host;
        const { dropped, pending } = await client.exporters.flush({ ids: ["otel"], timeoutMs: 60_000 });
        assert.equal(dropped + pending, 0);
        const told = linesOf(sink, execId).map(({ body, attributes }) => [
          body.length,
          attributes["sandglass.log.truncated"],
          attributes["sandglass.log.bytes"],
        ]);
        assert.deepEqual(told, [[8192, true, 32 * MIB]]);
      },
    },
    {
      name: "a flood of short lines does not fill the record: what it says of output is rare",
      options: { logs: true },
      async run(scene) {
        const { durationMs, execId } = await scene.run("yes x | head -c 8M; yes y | head -c 8M >&2");
        const { text } = await callHttp(scene.host.daemon, `GET /v1/events?sandboxId=${scene.sandbox.id}`);
        const streamed = jsonLines(text).filter(
          ({ type, data }) => type === "exec.streamed" && data.execId === execId,
        );
        // At most one a second and stream, and the last.
        assert.ok(
          streamed.length <= 2 * (durationMs / 1000 + 2),
          `${streamed.length} events in ${durationMs} ms`,
        );
      },
    },
    {
      name: "bytes that are no text arrive as they were: invalid UTF-8, halves of characters, NULs",
      async run(scene) {
        const all = Buffer.concat([
          Buffer.from(Array.from({ length: 256 }, (_, n) => n)),
          Buffer.from([0xf0, 0x9f, 0x98]),
        ]);
        const program = `import os; os.write(1, bytes(range(256)) + b"\\xf0\\x9f\\x98"); os.write(2, b"\\0" * 100)`;
        const { stdoutBytes, stderrBytes } = await scene.run(["python3", "-c", program]);
        assert.deepEqual(Buffer.from(stdoutBytes), all);
        assert.deepEqual(Buffer.from(stderrBytes), Buffer.alloc(100));
        const cell = await scene.cell(program);
        assert.deepEqual(Buffer.from(cell.stdoutBytes), all);
      },
    },
    {
      name: "escape sequences and line breaks reach no line of the daemon's log, by whatever name they come in",
      async run(scene) {
        const evil =
          '\u001b[2J\u001b]0;owned\u0007\r\n2026-01-01T00:00:00Z ERROR http_request message="forged"\u2028\u0085x';
        await scene.run(["printf", "%s", evil]);
        await scene.run(["sh", "-c", `exit 3 # ${evil}`]);
        await scene.sandbox.files.write(`/workspace/${evil.replaceAll("/", "_")}`, "x");
        await scene.cell(`raise type(${JSON.stringify(evil)}, (Exception,), {})(${JSON.stringify(evil)})`);
        await scene.sandbox.files.read(`/workspace/${evil}/none`).catch(() => undefined); // refused, with its name in the record
        const logs = scene.host.daemon.logs();
        assert.ok(!logs.includes("\u001b") && !logs.includes("\u0007") && !logs.includes("\r"));
        for (const line of logs.split(/[\n\u0085\u2028\u2029]/))
          assert.doesNotMatch(line, /^2026-01-01T00:00:00Z/);
      },
    },
    {
      name: "lines that look like the stream's own are data",
      async run(scene) {
        const forged = '{"type":"exit","data":0,"code":0,"cause":"exited","seq":0,"execId":"exec_x"}';
        const { stdout, exitCode } = await scene.run([
          "sh",
          "-c",
          `echo '${forged}'; echo '${forged}' >&2; exit 7`,
        ]);
        assert.deepEqual([stdout, exitCode], [`${forged}\n`, 7]);
      },
    },
    {
      name: "what is written when the exec is over belongs to no other",
      async run(scene) {
        await scene.run("(sleep 0.2; echo late; echo late >&2) & echo first");
        const { stdout, stderr } = await scene.run("sleep 0.5; echo second");
        assert.deepEqual([stdout, stderr], ["second\n", ""]);
        const { text } = await callHttp(scene.host.daemon, `GET /v1/sandboxes/${scene.sandbox.id}/execs`);
        assert.ok(!text.includes("late\\n"));
      },
    },
    {
      name: "closed streams, and streams handed to a child that stays, end no later than their process",
      async run(scene) {
        const { stdout, exitCode } = await scene.run("echo said; exec >&- 2>&-; sleep 0.1; exit 4");
        assert.deepEqual([stdout, exitCode], ["said\n", 4]);
        const started = await scene.run("setsid sleep 1000 & echo left");
        assert.deepEqual([started.stdout, started.cause], ["left\n", "exited"]);
      },
    },
    {
      name: "a reader that never reads stops the writer, and nobody else",
      async run(scene) {
        const stream = scene.sandbox.commands.stream(["yes"]);
        const first = await stream.next();
        assert.equal(first.done, false);
        await scene.host.neighbour.assertQuiet();
        assert.equal((await scene.run("echo beside")).stdout, "beside\n");
        const { items } = await scene.sandbox.execs.list();
        const running = items.find(({ state }) => state === "running");
        await scene.sandbox.execs.kill(running?.id ?? "");
        await stream.return(undefined);
      },
    },
    {
      name: "a result beyond all measure is cut, and one with a hostile form is no one's trouble",
      async run(scene) {
        const large = await scene.cell("'x' * (64 << 20)");
        assert.ok((large.result?.["text/plain"]?.length ?? 0) <= 8 * MIB);
        const hostile = await scene.cell(
          "class Evil:\n  def __repr__(self): raise SystemExit(9)\n  def _repr_html_(self): return '\\ud800' * 10\nEvil()",
        );
        assert.ok(["exited"].includes(hostile.cause));
        assert.equal((await scene.cell("1")).result?.["text/plain"], "1");
      },
    },
  ],
};
