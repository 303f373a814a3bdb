import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Isolation } from "@sandglass/protocol";
import type { SandboxHandle, TemplateConfig } from "@sandglass/runtime";
import { callContext, run, startRuntime, type TestRuntime, until } from "@sandglass/testkit";

const AGENT = join(import.meta.dirname, "../../packages/runtime/native/build/agent");
const WALLS: readonly Isolation[] = ["bubblewrap", "crun", "gvisor"];
/** Of a mount point; nothing else on the host is called so. */
const NAME = `sandglass-forks-${process.pid}`;
const context = callContext();

async function shell(sandbox: SandboxHandle, command: string): Promise<string> {
  const { stdout, stderr, exit } = await run(sandbox, { command });
  assert.equal(exit.code, 0, `"${command}": ${stderr}`);
  return stdout;
}

describe("a fork of a hostile sandbox", () => {
  let host: TestRuntime;
  let source: string;
  before(async () => {
    source = await mkdtemp(join(tmpdir(), "sg-mount-"));
    await chmod(source, 0o755);
    await writeFile(join(source, "given"), "given\n");
    const mounted: TemplateConfig = { base: "bash", mounts: [{ source, target: `/data/${NAME}` }] };
    host = await startRuntime({
      templates: { python: { poolSize: 0 }, mounted },
      defaults: { memoryMb: 200, diskMb: 64, idleTimeoutMs: 0 },
    });
  });
  after(async () => {
    await host.close();
    await rm(source, { recursive: true });
  });

  async function fork(parent: SandboxHandle): Promise<SandboxHandle> {
    const [child] = await host.runtime.fork(parent, 1, context);
    assert.ok(child);
    return child;
  }

  async function end(...sandboxes: SandboxHandle[]): Promise<void> {
    await Promise.all(sandboxes.map((sandbox) => sandbox.terminate("user", context)));
  }

  for (const isolation of WALLS) {
    const attacks = {
      "replaced the agent":
        "rm -rf /run; mkdir -p /run/sandglass; for f in agent repl.py repl.bash; do cp /bin/sh /run/sandglass/$f; done",
      "made /run a link":
        "rm -rf /run; mkdir -p /fake/sandglass; cp /bin/sh /fake/sandglass/agent; ln -s /fake /run",
      "made /workspace a file": "cd /; rm -rf /workspace; echo no > /workspace",
    };
    for (const [what, attack] of Object.entries(attacks)) {
      test(`that ${what} begins with what the host put there: ${isolation}`, async () => {
        const parent = await host.create({ isolation, template: "python" });
        await run(parent, { command: `(${attack}) 2>/dev/null`, cwd: "/" });
        const child = await fork(parent);
        const { stdout } = await run(child, { command: "sha256sum < /run/sandglass/agent", cwd: "/" });
        assert.equal(stdout.slice(0, 64), createHash("sha256").update(readFileSync(AGENT)).digest("hex"));
        if (!what.includes("workspace")) assert.equal((await run(child, { code: "6 * 7" })).result, "42");
        await end(parent, child);
      });
    }

    test(`has nothing of its processes: neither their environment nor what runs: ${isolation}`, async () => {
      const parent = await host.create({ isolation, env: { SHARED: "by contract" } });
      const own = { SECRET: "of-this-exec-alone" };
      const busy = await parent.exec({ command: "echo in; exec sleep 1000", env: own }, context);
      await until("it runs", () => busy.info().stdoutBytes > 0);
      const child = await fork(parent);
      const looked = "cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -c of-this-exec-alone; echo $SHARED";
      assert.equal((await run(child, { command: looked })).stdout, "0\nby contract\n");
      await end(parent, child);
    });
  }

  test("where a template mounts something, has that there, wherever the parent wanted it to lead", async () => {
    const parent = await host.create({ template: "mounted" });
    const lead = "mv -T /data /elsewhere; rm -rf /data; ln -sT /oldroot/tmp /data; ls -ld /data";
    assert.match((await run(parent, { command: lead })).stdout, /^drwx/, "it cannot be moved away");
    const child = await fork(parent);
    assert.equal(await shell(child, "cat /data/*/given"), "given\n");
    assert.ok(!existsSync(`/tmp/${NAME}`), "nothing was made on the host");
    await end(parent, child);
  });
});

describe("a comparison of hostile trees", () => {
  let host: TestRuntime;
  before(async () => {
    host = await startRuntime({ defaults: { memoryMb: 200, diskMb: 64, idleTimeoutMs: 0 } });
  });
  after(() => host.close());

  async function pair(prepare: string): Promise<{ parent: SandboxHandle; child: SandboxHandle }> {
    const parent = await host.create();
    await shell(parent, prepare);
    const [child] = await host.runtime.fork(parent, 1, context);
    assert.ok(child);
    return { parent, child };
  }

  async function end(...sandboxes: SandboxHandle[]): Promise<void> {
    await Promise.all(sandboxes.map((sandbox) => sandbox.terminate("user", context)));
  }

  test("follows no link of the host's, and a merge writes through none of the sandbox's", async () => {
    const { parent, child } = await pair("ln -s /etc through");
    await shell(
      child,
      "rm through; mkdir through; echo theirs > through/passwd; ln -s / root; ln -s /proc/1/root/etc/shadow shadow; ln -s ../../../../../../../../etc/shadow up",
    );
    const { added, modified } = await host.runtime.diff(child, parent);
    assert.deepEqual(
      added,
      ["root", "shadow", "through/passwd", "up"].map((name) => `/workspace/${name}`),
    );
    assert.deepEqual(modified, ["/workspace/through"]);
    await host.runtime.merge(parent, child, context);
    assert.equal(
      await shell(parent, "cat through/passwd; readlink root shadow up; grep -c theirs /etc/passwd || true"),
      "theirs\n/\n/proc/1/root/etc/shadow\n../../../../../../../../etc/shadow\n0\n",
    );
    await end(parent);
  });

  test("goes nowhere where directories become links, and files pipes, under its eyes", async () => {
    assert.ok(existsSync("/etc/shadow"), "the host has what a sandbox has not");
    const { parent, child } = await pair("true");
    await shell(
      child,
      "mkdir real; for i in $(seq 300); do echo $i > real/$i; done; ln -s /etc link; mkfifo pipe; echo x > file",
    );
    const swapping = await child.exec(
      {
        command:
          "python3 - <<'END'\nimport ctypes\nlibc = ctypes.CDLL(None)\nwhile True:\n  for a, b in ((b'real', b'link'), (b'pipe', b'file')):\n    if libc.renameat2(-100, a, -100, b, 2): raise SystemExit(1)\nEND",
      },
      context,
    );
    for (let round = 0; round < 25; round++) {
      const { added } = await host.runtime.diff(child, parent);
      const outside = added.filter((path) => !/^\/workspace\/((real|link)(\/\d+)?|file|pipe)$/.test(path));
      assert.deepEqual(outside, []);
    }
    assert.equal(swapping.info().state, "running", "it swapped all the while");
    await swapping.kill("SIGKILL", context);
    await end(parent, child);
  });

  test("reads no more of a file than there is on the disk, whatever it says of its size", async () => {
    const { parent, child } = await pair("truncate -s 1T sparse same; echo end >> same");
    for (const sandbox of [parent, child]) await shell(sandbox, "touch sparse; echo end >> same");
    await shell(child, "printf x | dd of=sparse bs=1 seek=512G conv=notrunc 2>/dev/null");
    const started = performance.now();
    assert.deepEqual((await host.runtime.diff(child, parent)).modified, ["/workspace/sparse"]);
    await host.runtime.merge(parent, child, context);
    assert.ok(performance.now() - started < 60_000, "a look at each byte of it would take hours");
    assert.equal(
      await shell(parent, "stat -c %s sparse; dd if=sparse bs=1 skip=512G count=1 2>/dev/null"),
      `${1024 ** 4}\nx`,
    );
    await end(parent);
  });

  test("says of a tree that is too deep that it did not look, and merges none of it", async () => {
    const { parent, child } = await pair("true");
    await shell(child, "for i in $(seq 400); do mkdir d && cd d || exit 1; done");
    const { added, truncated } = await host.runtime.diff(child, parent);
    assert.ok(truncated && added.length > 150 && added.length < 400, `${added.length} paths`);
    await assert.rejects(host.runtime.merge(parent, child, context), (error: Error & { code: string }) => {
      assert.equal(error.code, "FILE_ERROR");
      return /nothing was merged/.test(error.message);
    });
    assert.equal(await shell(parent, "ls"), "");
    await end(parent, child);
  });

  test("takes names as they are: newlines, bytes that are no UTF-8, dashes, the longest there are", async () => {
    const { parent, child } = await pair("true");
    const long = "n".repeat(255);
    await shell(
      child,
      `touch -- "$(printf 'a\\nb')" "$(printf 'c\\377')" -rf ' ' '*' ${long}; mkdir "$(printf '\\nd')"`,
    );
    const { added } = await host.runtime.diff(child, parent);
    assert.deepEqual(
      added,
      ["\nd", " ", "*", "-rf", "a\nb", "c\ufffd", long].map((name) => `/workspace/${name}`),
    );
    await host.runtime.merge(parent, child, context);
    const names = await shell(parent, "ls -A | od -An -c | tr -d ' \\n'");
    assert.match(names, /a\\nb/);
    assert.match(names, /c377/);
    assert.equal(await shell(parent, "find . -mindepth 1 -printf x | wc -c"), "7\n");
    await end(parent);
  });

  test("carries over set-uid bits as bits, which do nothing; devices cannot be there", async () => {
    const { parent, child } = await pair("true");
    await shell(child, "cp /usr/bin/id idle; chmod 6755 idle; ! mknod zero c 1 5 2>/dev/null");
    await host.runtime.merge(parent, child, context);
    assert.equal(
      await shell(parent, "stat -c %a idle; ./idle -u; grep -o nosuid /proc/self/mounts | head -1"),
      "6755\n0\nnosuid\n",
    );
    await end(parent);
  });

  test("a merge whose writing stands still keeps no winner: that can be ended, and the merge fails", async () => {
    for (const bytes of ["0", "50M"]) {
      const { parent, child } = await pair("true");
      await shell(child, `head -c ${bytes} /dev/urandom > large`);
      const merging = assert.rejects(host.runtime.merge(parent, child, context), { code: "SANDBOX_ENDED" });
      await parent.pause(context); // what writes is inside, and so stopped
      await child.terminate("user", context);
      await merging;
      assert.equal(child.info().cause, "user");
      await parent.resume(context);
      assert.equal(await shell(parent, "echo on"), "on\n");
      await end(parent);
    }
  });
});
