import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type { SandboxHandle } from "@sandglass/runtime";
import { callContext, run, startRuntime, type TestRuntime } from "@sandglass/testkit";

const context = callContext();

async function* pieces(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part as string);
}

describe("files", () => {
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

  test("what is written is read as it was, and code inside sees the same", async () => {
    const bytes = randomBytes(100_000);
    const info = await write("/workspace/data.bin", bytes.subarray(0, 10), bytes.subarray(10));
    assert.deepEqual(
      { ...info, modifiedAt: "" },
      {
        name: "data.bin",
        path: "/workspace/data.bin",
        type: "file",
        sizeBytes: 100_000,
        mode: 0o644,
        modifiedAt: "",
      },
    );
    assert.ok(Math.abs(Date.parse(info.modifiedAt) - Date.now()) < 60_000, info.modifiedAt);
    assert.deepEqual(await read("data.bin"), bytes);
    assert.equal(await shell("wc -c < data.bin; stat -c '%u:%g %a' data.bin"), "100000\n0:0 644\n");
    await shell("printf 'a\\0\\377b' > from-inside");
    assert.deepEqual(await read("/workspace/from-inside"), Buffer.from([0x61, 0, 0xff, 0x62]));
  });

  test("an empty file is a file", async () => {
    assert.equal((await write("empty")).sizeBytes, 0);
    assert.equal((await write("empty-too", "", new Uint8Array())).sizeBytes, 0);
    assert.deepEqual(await read("empty"), Buffer.alloc(0));
  });

  test("missing directories are made, a mode is kept or as asked, an old file is replaced", async () => {
    await write("deep/er/file", "1");
    await shell("chmod 600 deep/er/file");
    assert.equal((await write("deep/er/file", "22")).mode, 0o600);
    const info = await sandbox.files.write("deep/er/script", pieces("#!/bin/sh\necho ran"), context, {
      mode: 0o755,
    });
    assert.equal(info.mode, 0o755);
    assert.equal(await shell("deep/er/script; cat deep/er/file"), "ran\n22");
  });

  const names = [
    "with space",
    "new\nline",
    "-rf",
    "--",
    "ümläut \u{1f600}",
    "'quotes\"",
    "*?[x]",
    "\\back",
    "...",
    "tab\t",
    "a".repeat(255),
    "%s%n",
  ];
  for (const name of names) {
    test(`a file of the name ${JSON.stringify(name.slice(0, 20))} is like any other`, async () => {
      const path = `/workspace/names/${name}`;
      await write(path, name);
      assert.equal((await read(path)).toString(), name);
      assert.equal((await sandbox.files.stat(path, context)).name, name);
      assert.ok(
        (await sandbox.files.list("/workspace/names", context)).some(
          (file) => file.name === name && file.path === path,
        ),
      );
      const moved = await sandbox.files.move(path, `/workspace/moved/${name}`, context);
      assert.equal(moved.path, `/workspace/moved/${name}`);
      await sandbox.files.remove(moved.path, context);
      assert.deepEqual(
        (await sandbox.files.list("/workspace/moved", context)).map((file) => file.name),
        [],
      );
    });
  }

  test("a listing names each entry once, by its kind, without following links", async () => {
    await shell(
      "mkdir -p kinds/sub && cd kinds && echo 12345 > file && ln -s /etc/passwd link && ln -s nowhere dangling && mkfifo pipe",
    );
    const found = (await sandbox.files.list("kinds", context)).map(({ name, type, target, path }) => ({
      name,
      type,
      target,
      path,
    }));
    assert.deepEqual(found, [
      { name: "dangling", type: "symlink", target: "nowhere", path: "/workspace/kinds/dangling" },
      { name: "file", type: "file", target: undefined, path: "/workspace/kinds/file" },
      { name: "link", type: "symlink", target: "/etc/passwd", path: "/workspace/kinds/link" },
      { name: "pipe", type: "other", target: undefined, path: "/workspace/kinds/pipe" },
      { name: "sub", type: "directory", target: undefined, path: "/workspace/kinds/sub" },
    ]);
    assert.equal((await sandbox.files.stat("kinds/link", context)).type, "symlink");
  });

  test("a directory of thousands of entries is listed whole", async () => {
    await shell(
      "mkdir many && cd many && seq -f 'a file with a name of some length %05g' 6000 | xargs -d '\\n' touch",
    );
    assert.equal((await sandbox.files.list("many", context)).length, 6000);
  });

  test("paths are resolved inside: absolute ones, relative ones, .. and links, never on the host", async () => {
    const passwd = await shell("cat /etc/passwd");
    assert.ok(!passwd.includes("/home/"));
    await shell("ln -s /etc/passwd to-passwd; ln -s / to-root; ln -s ../../../../.. up");
    for (const path of [
      "to-passwd",
      "to-root/etc/passwd",
      "up/etc/passwd",
      "../../../../etc/passwd",
      "/../../etc/passwd",
      "./.././workspace//to-passwd",
    ])
      assert.equal((await read(path)).toString(), passwd, path);
    await shell("ln -s /tmp/target to-target");
    await write("to-target/new", "through a link").catch(() => {});
    await shell("mkdir -p /tmp/target");
    await write("to-target/new", "through a link");
    assert.equal(await shell("cat /tmp/target/new"), "through a link");
  });

  test("writing to a link writes what it leads to, and leaves the link", async () => {
    await shell("echo old > real; ln -sf real alias");
    await write("alias", "new");
    assert.equal(await shell("cat real; readlink alias"), "newreal\n");
  });

  const refused: [why: string, prepare: string, attempt: () => Promise<unknown>, code: string][] = [
    ["reading what is not there", "true", () => read("nothing"), "FILE_NOT_FOUND"],
    ["reading a directory", "mkdir -p dir", () => read("dir"), "FILE_CONFLICT"],
    ["reading a FIFO, which nobody writes", "mkfifo fifo1", () => read("fifo1"), "FILE_ERROR"],
    ["reading a device", "true", () => read("/dev/zero"), "FILE_ERROR"],
    ["reading a dangling link", "ln -s nowhere dangling1", () => read("dangling1"), "FILE_NOT_FOUND"],
    ["reading a link to itself", "ln -s self self", () => read("self"), "FILE_ERROR"],
    ["writing to a directory", "mkdir -p dir", () => write("dir", "x"), "FILE_CONFLICT"],
    ["writing to a FIFO", "mkfifo fifo2", () => write("fifo2", "x"), "FILE_ERROR"],
    ["writing below a file", "touch plain", () => write("plain/below", "x"), "FILE_CONFLICT"],
    ["a name that is too long", "true", () => write("b".repeat(256), "x"), "FILE_ERROR"],
    ["stat of what is not there", "true", () => sandbox.files.stat("nothing", context), "FILE_NOT_FOUND"],
    ["a listing of a file", "touch plain", () => sandbox.files.list("plain", context), "FILE_CONFLICT"],
    [
      "a listing of what is not there",
      "true",
      () => sandbox.files.list("nothing", context),
      "FILE_NOT_FOUND",
    ],
    [
      "a directory where a file is",
      "touch plain",
      () => sandbox.files.makeDirectory("plain", context),
      "FILE_CONFLICT",
    ],
    ["removing what is not there", "true", () => sandbox.files.remove("nothing", context), "FILE_NOT_FOUND"],
    [
      "removing a directory with something in it",
      "mkdir -p full/x",
      () => sandbox.files.remove("full", context),
      "FILE_CONFLICT",
    ],
    [
      "moving what is not there",
      "true",
      () => sandbox.files.move("nothing", "elsewhere", context),
      "FILE_NOT_FOUND",
    ],
    [
      "moving a directory onto a file",
      "mkdir -p dir; touch plain",
      () => sandbox.files.move("dir", "plain", context),
      "FILE_CONFLICT",
    ],
    ["a NUL in a path", "true", () => sandbox.files.stat("a\0b", context), "INVALID_REQUEST"],
    [
      "a path beyond the kernel's",
      "true",
      () => sandbox.files.stat("x/".repeat(2500), context),
      "INVALID_REQUEST",
    ],
    ["writing to a device", "true", () => write("/dev/null", "x"), "FILE_ERROR"],
  ];
  for (const [why, prepare, attempt, code] of refused) {
    test(`${why} is refused with ${code}`, async () => {
      await shell(prepare);
      await assert.rejects(attempt(), { code, name: "SandglassError" });
    });
  }

  test("directories: made with their parents, also where they are; removed when empty, or with all that is in them", async () => {
    assert.equal((await sandbox.files.makeDirectory("made/with/parents", context)).type, "directory");
    assert.equal(
      (await sandbox.files.makeDirectory("made/with/parents", context)).path,
      "/workspace/made/with/parents",
    );
    await shell("ln -s /etc made/with/link; touch /tmp/outside; ln -s /tmp/outside made/with/file");
    await sandbox.files.remove("made/with/parents", context);
    await sandbox.files.remove("made", context, { recursive: true });
    assert.equal(
      await shell("ls -d made 2>/dev/null; ls /tmp/outside /etc/passwd"),
      "/etc/passwd\n/tmp/outside\n",
    );
  });

  test("moving replaces a file, and makes the directories it leads to", async () => {
    await shell("echo 1 > from; echo 2 > onto");
    assert.equal((await sandbox.files.move("from", "onto", context)).sizeBytes, 2);
    await sandbox.files.move("onto", "far/away/onto", context);
    assert.equal(await shell("cat far/away/onto; ls from onto 2>/dev/null; true"), "1\n");
  });
});
