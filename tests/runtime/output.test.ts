import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { newExecId, newSandboxId, type StreamEvent } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";
import {
  callContext,
  outputOf,
  parseLines,
  readLines,
  run,
  startRuntime,
  type TestRuntime,
  until,
} from "@sandglass/testkit";

const MIB = 1024 * 1024;
/** Bytes that repeat late, none of them a line's end; and what they must be. */
const NOISE = `import hashlib, sys
size, digest = int(sys.argv[1]), hashlib.sha256()
block = b"".join(hashlib.sha256(str(i).encode()).digest() for i in range(2048))
left = size
while left > 0:
    piece = block[:left]; left -= len(piece)
    digest.update(piece); sys.stdout.buffer.write(piece)
    block = block[1:] + block[:1]
sys.stdout.flush()
print(digest.hexdigest(), file=sys.stderr)`;

describe("the output of an exec", () => {
  let host: TestRuntime;
  let sandbox: SandboxHandle;
  before(async () => {
    host = await startRuntime();
    sandbox = await host.create({ maxOutputBytes: 200 * MIB });
  });
  after(() => host.close());

  function assertGapless(lines: readonly StreamEvent[], from = 0): void {
    assert.ok(
      lines.every(({ seq }, at) => seq === from + at),
      `seq has a gap in ${lines.length} lines`,
    );
  }

  test("64 MiB of bytes arrive as they were written, in lines without a gap, the exit last", async () => {
    const exec = await sandbox.exec({ argv: ["python3", "-c", NOISE, String(64 * MIB)] }, callContext());
    const digest = createHash("sha256");
    let [expectedSeq, bytes, stderr, last] = [0, 0, "", ""];
    for await (const block of exec.lines({ isOwner: true })) {
      for (const line of parseLines(block)) {
        assert.equal(line.seq, expectedSeq++);
        last = line.type;
        if (line.type === "stderr") stderr += line.data;
        if (line.type !== "stdout") continue;
        const data = Buffer.from(line.data, line.encoding ?? "utf8");
        bytes += data.length;
        digest.update(data);
      }
    }
    assert.equal(last, "exit");
    assert.equal(bytes, 64 * MIB);
    assert.equal(`${digest.digest("hex")}\n`, stderr);
    assert.deepEqual(
      [(await exec.completed).stdoutBytes, (await exec.completed).stderrBytes],
      [64 * MIB, 65],
    );
  });

  test("NULs, control characters and bytes that are no text come as they were", async () => {
    const bytes = Buffer.from([...Array(256).keys()]);
    const { lines } = await run(sandbox, {
      command: `printf '${[...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}'`,
    });
    assert.deepEqual(outputOf(lines, "stdout"), bytes);
    const text = await run(sandbox, { argv: ["python3", "-c", "print('a\\0b\\033[1m\\r\\n\\tü', end='')"] });
    assert.equal(text.stdout, "a\0b\u001b[1m\r\n\tü");
    assert.ok(text.lines.every((line) => !("encoding" in line)));
  });

  test("a character whose bytes come one by one is one character", async () => {
    const { lines } = await run(sandbox, {
      argv: [
        "python3",
        "-c",
        "import os, time\nfor b in 'ü€😀'.encode(): os.write(1, bytes([b])); time.sleep(0.005)",
      ],
    });
    assert.equal(outputOf(lines, "stdout").toString(), "ü€😀");
    assert.ok(lines.every((line) => !("encoding" in line)));
  });

  test("behind any line it is picked up again, while it runs and afterwards", async () => {
    const exec = await sandbox.exec(
      {
        command:
          "for i in $(seq 20); do echo $i; [ $i = 10 ] && until [ -e /tmp/go-on ]; do sleep 0.01; done; done",
      },
      callContext(),
    );
    await until("it has written ten lines", () => exec.info().stdoutBytes === 21);
    const reading = Array.from({ length: 3 }, (_, after) => readLines(exec.lines({ after })));
    await run(sandbox, { command: "touch /tmp/go-on" });
    const all = await readLines(exec.lines());
    assert.equal(
      outputOf(all, "stdout").toString(),
      Array.from({ length: 20 }, (_, i) => `${i + 1}\n`).join(""),
    );
    for (const [after, lines] of (await Promise.all(reading)).entries())
      assert.deepEqual(lines, all.slice(after + 1));
    for (let after = 0; after <= all.length; after++) {
      assert.deepEqual(await readLines(exec.lines({ after })), all.slice(after + 1));
      const kept = host.runtime.readOutput(sandbox.id, exec.id, after);
      assert.deepEqual(await readLines(kept as AsyncIterable<string>), all.slice(after + 1));
    }
  });

  test("followers of every speed see the same, also one who comes when much is gone from memory", async () => {
    const exec = await sandbox.exec({ argv: ["python3", "-c", NOISE, String(12 * MIB)] }, callContext());
    const slow = (async () => {
      const lines: StreamEvent[] = [];
      for await (const block of exec.lines()) {
        lines.push(...parseLines(block));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      return lines;
    })();
    const fast = readLines(exec.lines());
    const gone = exec.lines()[Symbol.asyncIterator]();
    await gone.next();
    await gone.return?.();
    await exec.completed;
    const [late, tail] = await Promise.all([readLines(exec.lines()), readLines(exec.lines({ after: 5 }))]);
    const lines = await fast;
    assertGapless(lines);
    assert.equal(outputOf(lines, "stdout").length, 12 * MIB);
    assert.deepEqual(await slow, lines);
    assert.deepEqual(late, lines);
    assert.deepEqual(tail, lines.slice(6));
  });

  test("a process whose caller does not read waits in its write, and loses nothing", async () => {
    const exec = await sandbox.exec({ argv: ["python3", "-c", NOISE, String(40 * MIB)] }, callContext());
    const blocks = exec.lines({ isOwner: true })[Symbol.asyncIterator]();
    const first = await blocks.next();
    // Blocked is: two looks with other work between them, and not a byte more.
    await until("it is blocked", async () => {
      const before = exec.info().stdoutBytes;
      await run(sandbox, { command: "true" });
      await run(sandbox, { argv: ["python3", "-c", ""] });
      return exec.info().stdoutBytes === before;
    });
    const held = exec.info().stdoutBytes;
    assert.ok(
      held < 12 * MIB,
      `${held} bytes were taken from a process whose caller read ${first.value?.length}`,
    );
    assert.equal(exec.info().state, "running");
    let total = outputOf(parseLines(first.value ?? ""), "stdout").length;
    for (let next = await blocks.next(); next.done !== true; next = await blocks.next())
      total += outputOf(parseLines(next.value), "stdout").length;
    assert.equal(total, 40 * MIB);
    assert.equal((await exec.completed).cause, "exited");
  });

  test("a caller who goes away stops nothing: the process runs to its end, and its output is kept", async () => {
    const exec = await sandbox.exec({ argv: ["python3", "-c", NOISE, String(20 * MIB)] }, callContext());
    for await (const _ of exec.lines({ isOwner: true })) break;
    const info = await exec.completed;
    assert.deepEqual([info.cause, info.stdoutBytes], ["exited", 20 * MIB]);
    const lines = await readLines(exec.lines());
    assert.equal(
      `${createHash("sha256").update(outputOf(lines, "stdout")).digest("hex")}\n`,
      outputOf(lines, "stderr").toString(),
    );
  });

  test("a caller who gives up through his signal ends without an error", async () => {
    const exec = await sandbox.exec({ command: "echo x; sleep 1000" }, callContext());
    const controller = new AbortController();
    const lines: StreamEvent[] = [];
    for await (const block of exec.lines({ isOwner: true, signal: controller.signal })) {
      lines.push(...parseLines(block));
      controller.abort();
    }
    assert.equal(lines.length, 1);
    await exec.kill("SIGKILL", callContext());
    await exec.completed;
  });

  test("it is there when the sandbox has gone, and when another daemon has the directory", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "sg-"));
    await using first = await startRuntime({ dataDir });
    const own = await first.create();
    const { exec, lines } = await run(own, { command: "echo kept; echo too >&2" });
    await own.terminate("user", callContext());
    const kept = async (of: TestRuntime): Promise<StreamEvent[]> =>
      readLines(of.runtime.readOutput(own.id, exec.id) as AsyncIterable<string>);
    assert.deepEqual(await kept(first), lines);
    assert.deepEqual(await readLines(exec.lines()), lines);
    await first.close();
    await using second = await startRuntime({ dataDir });
    assert.deepEqual(await kept(second), lines);
    assert.equal(second.runtime.readOutput(newSandboxId(), newExecId()), undefined);
    await second.close();
    await rm(dataDir, { recursive: true });
  });

  test("what is read the moment an exec has ended is all of it", async () => {
    for (let round = 0; round < 3; round++) {
      const exec = await sandbox.exec({ argv: ["python3", "-c", NOISE, String(6 * MIB)] }, callContext());
      await exec.completed;
      const lines = await readLines(host.runtime.readOutput(sandbox.id, exec.id) as AsyncIterable<string>);
      assert.equal(lines.at(-1)?.type, "exit");
      assert.equal(outputOf(lines, "stdout").length, 6 * MIB);
    }
  });

  test("what a crash tore is sealed with the crash's cause, behind what is whole", async () => {
    const own = await host.create();
    const { exec, lines } = await run(own, { command: "echo whole" });
    await own.terminate("user", callContext());
    const file = join(host.dataDir, "output", `${own.id}.out`);
    await until("it is closed", async () => (await stat(file)).size > 0);
    const torn = newExecId();
    await appendFile(file, Buffer.alloc(30, 1));
    const bytes = await host.runtime.sealOutput(own.id, torn, {
      code: 137,
      cause: "host_crash",
      durationMs: 7,
    });
    assert.deepEqual(bytes, { stdoutBytes: 0, stderrBytes: 0 });
    const sealed = await readLines(host.runtime.readOutput(own.id, torn) as AsyncIterable<string>);
    assert.deepEqual(
      sealed.map((line) => [line.type, line.type === "exit" && line.cause]),
      [["exit", "host_crash"]],
    );
    assert.deepEqual(
      await readLines(host.runtime.readOutput(own.id, exec.id) as AsyncIterable<string>),
      lines,
    );
  });

  test("a runtime that keeps no output tells it to who listens, and keeps none", async () => {
    await using silent = await startRuntime({ recordOutput: false });
    const own = await silent.create({ maxOutputBytes: 50 * MIB });
    const { exec, stdout } = await run(own, { command: "echo told" });
    assert.equal(stdout, "told\n");
    const noisy = await run(own, { argv: ["python3", "-c", NOISE, String(8 * MIB)] });
    assert.equal(
      `${createHash("sha256").update(outputOf(noisy.lines, "stdout")).digest("hex")}\n`,
      noisy.stderr,
    );
    assert.equal(silent.runtime.readOutput(own.id, exec.id), undefined);
    await silent.close();
  });
});
