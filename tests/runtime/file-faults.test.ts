import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { SandboxHandle } from "@sandglass/runtime";
import { callContext, run, startRuntime, type TestRuntime, until } from "@sandglass/testkit";

const context = callContext();

async function* pieces(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part as string);
}

describe("files, where something goes wrong", () => {
  let host: TestRuntime;
  let sandbox: SandboxHandle;
  before(async () => {
    host = await startRuntime();
    sandbox = await host.create({ diskMb: 64 });
  });
  after(() => host.close());

  const write = (path: string, ...parts: (string | Uint8Array)[]) =>
    sandbox.files.write(path, pieces(...parts), context);

  async function read(path: string): Promise<Buffer> {
    const { content } = await sandbox.files.read(path, context);
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  const shell = async (command: string): Promise<string> => {
    const { stdout, stderr, exit } = await run(sandbox, { command });
    assert.equal(exit.code, 0, stderr);
    return stdout;
  };

  test("an upload whose source breaks off leaves what was there before, and nothing else", async () => {
    await write("precious/file", "before");
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(3_000_000);
      throw new Error("the client went away");
    }
    await assert.rejects(sandbox.files.write("precious/file", broken(), context), /the client went away/);
    assert.equal((await read("precious/file")).toString(), "before");
    await until("the rest is gone", async () => (await sandbox.files.list("precious", context)).length === 1);
    await assert.rejects(sandbox.files.write("precious/new", broken(), context));
    await until("the rest is gone", async () => (await sandbox.files.list("precious", context)).length === 1);
  });

  test("a reader sees the old file or the new one, never half of it", async () => {
    const size = 500_000;
    await write("whole", Buffer.alloc(size, 1));
    const writing = (async () => {
      for (let value = 2; value < 12; value++) await write("whole", Buffer.alloc(size, value));
    })();
    for (let reads = 0; reads < 10; reads++) {
      const bytes = await read("whole");
      assert.equal(bytes.length, size);
      assert.equal(new Set(bytes).size, 1);
    }
    await writing;
  });

  test("a disk that is full is said so; what was there is untouched, and nothing of the upload stays", async () => {
    const small = await host.create({ diskMb: 16 });
    await small.files.write("file", pieces("before"), context);
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield Buffer.alloc(1 << 20);
    }
    await assert.rejects(small.files.write("file", endless(), context), { code: "DISK_FULL" });
    const { stdout } = await run(small, { command: "cat file; ls -A" });
    assert.equal(stdout, "beforefile\n");
    await small.files.write("other", pieces(Buffer.alloc(1 << 20)), context);
    await small.terminate("user", context);
  });

  test("a download that is left early ends, and holds nothing up", async () => {
    await shell("head -c 30M /dev/zero > large");
    for (let round = 0; round < 3; round++) {
      const { content } = await sandbox.files.read("large", context);
      for await (const _ of content) break;
    }
    const { content, info } = await sandbox.files.read("large", context);
    assert.equal(info.sizeBytes, 30 << 20);
    await content[Symbol.asyncIterator]().return?.();
    await until(
      "no reader is left inside",
      async () => (await shell("grep -lx 'sandglass-agent' /proc/[0-9]*/comm | wc -l")).trim() <= "2",
    );
  });

  test("they work whatever the code inside does to itself", async () => {
    const own = await host.create({ maxPids: 30 });
    await run(own, { command: "cd /; rm -rf /workspace" });
    await own.files.write("/tmp/file", pieces("x"), context);
    assert.equal((await own.files.stat("/tmp/file", context)).sizeBytes, 1);
    assert.equal((await own.files.write("/workspace/again", pieces("y"), context)).sizeBytes, 1);
    const bomb = await own.exec(
      {
        argv: [
          "python3",
          "-c",
          "import os, time\nwhile True:\n  try:\n    if os.fork() == 0: time.sleep(1000)\n  except OSError: print('full', flush=True); time.sleep(1000)",
        ],
      },
      context,
    );
    await until("no process can be made", () => bomb.info().stdoutBytes > 0);
    await assert.rejects(
      own.files.stat("/tmp/file", context),
      (error: Error) => error.name === "SandglassError" && /process/.test(error.message),
    );
    await bomb.kill("SIGKILL", context);
    await bomb.completed;
    assert.equal((await own.files.stat("/tmp/file", context)).sizeBytes, 1);
    await own.terminate("user", context);
  });

  test("each operation is one event, a failed one too, with its path", async () => {
    const own = await host.create();
    await own.files.write("one", pieces("1"), context);
    await own.files.write("one", pieces("22"), context);
    for await (const _ of (await own.files.read("one", context)).content);
    await own.files.stat("one", context);
    await own.files.list(".", context);
    await own.files.move("one", "two", context);
    await own.files.makeDirectory("dir", context);
    await own.files.remove("two", context);
    await assert.rejects(own.files.read("one", context));
    const said = host.events.of(own.id).filter(({ type }) => type.startsWith("file."));
    assert.deepEqual(
      said.map(({ type, data }) => [
        type,
        "path" in data && data.path,
        "sizeBytes" in data && data.sizeBytes,
      ]),
      [
        ["file.created", "/workspace/one", 1],
        ["file.modified", "/workspace/one", 2],
        ["file.read", "/workspace/one", 2],
        ["file.deleted", "/workspace/one", false],
        ["file.created", "/workspace/two", 2],
        ["file.created", "/workspace/dir", 0],
        ["file.deleted", "/workspace/two", false],
        ["file.error", "/workspace/one", false],
      ],
    );
    for (const event of said) assert.equal(event.traceId, context.traceId);
    await own.terminate("user", context);
    await assert.rejects(own.files.stat("dir", context), { code: "SANDBOX_ENDED" });
  });
});
