import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { callContext, run, startRuntime, type TestRuntime, until } from "@sandglass/testkit";

const context = callContext();

describe("a template of one's own", () => {
  let dir: string;
  let host: TestRuntime;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "sg-tpl-"));
    await chmod(dir, 0o755);
    await mkdir(join(dir, "lib/analyst"), { recursive: true });
    await writeFile(join(dir, "lib/analyst/__init__.py"), "import os\nanswer = 42\nstarts = os.getpid()\n");
    await writeFile(join(dir, "data.csv"), "a,b\n1,2\n");
    await mkdir(join(dir, "fleeting"));
    host = await startRuntime({
      templates: {
        python: { poolSize: 0 },
        analyst: {
          mounts: [
            { source: join(dir, "lib"), target: "/opt/lib" },
            { source: join(dir, "data.csv"), target: "/srv/data/data.csv" },
          ],
          env: { PYTHONPATH: "/opt/lib", MODEL: "of the template" },
          warmup: "import analyst\nwarmed = analyst.answer",
          poolSize: 1,
          memoryMb: 200,
          maxPids: 50,
        },
        broken: { warmup: "print('on the way'); raise RuntimeError('no data today')", poolSize: 1 },
        fleeting: { mounts: [{ source: join(dir, "fleeting"), target: "/srv/fleeting" }] },
      },
    });
    await host.runtime.ready();
  });
  after(async () => {
    await host.close();
    await rm(dir, { recursive: true });
  });

  test("has its mounts, its environment, its limits, and what its warm-up made", async () => {
    const sandbox = await host.create({ template: "analyst" });
    assert.deepEqual([sandbox.info().template, sandbox.info().source], ["analyst", "pool"]);
    assert.deepEqual([sandbox.info().limits.memoryMb, sandbox.info().limits.maxPids], [200, 50]);
    const cell = await run(sandbox, {
      code: "import os; (warmed, analyst.starts == os.getpid(), os.environ['MODEL'], open('/srv/data/data.csv').read())",
    });
    assert.equal(cell.result, "(42, True, 'of the template', 'a,b\\n1,2\\n')", cell.stderr);
    const command = await run(sandbox, {
      command: 'python3 -c "import analyst; print(analyst.answer)"; echo $MODEL',
      env: { MODEL: "of the request" },
    });
    assert.equal(command.stdout, "42\nof the request\n");
    await sandbox.terminate("user", context);
  });

  test("its mounts cannot be written, and are untouched", async () => {
    const sandbox = await host.create({ template: "analyst" });
    for (const line of [
      "echo x > /srv/data/data.csv",
      "rm /opt/lib/analyst/__init__.py",
      "touch /opt/lib/new",
    ]) {
      const { exit, stderr } = await run(sandbox, { command: line });
      assert.notEqual(exit.code, 0);
      assert.match(stderr, /Read-only file system|Permission denied|busy/);
    }
    await assert.rejects(sandbox.files.write("/srv/data/data.csv", (async function* () {})(), context), {
      name: "SandglassError",
    });
    assert.equal(await readFile(join(dir, "data.csv"), "utf8"), "a,b\n1,2\n");
    await sandbox.terminate("user", context);
  });

  test("a warm-up that fails is told by the checks, with its error, and nothing of it stays", async () => {
    const check = await until("it is told", async () =>
      (await host.runtime.checks()).find(({ name, status }) => name.includes("broken") && status === "error"),
    );
    assert.match(check.detail, /warm-up/);
    assert.match(check.detail, /RuntimeError: no data today/);
    assert.equal(host.runtime.stats().pool.broken?.ready, 0);
    assert.deepEqual(
      host.events.all.filter((event) => JSON.stringify(event).includes("no data today")),
      [],
    );
  });

  test("a mount whose source went away is the create's error, with the reason, and is recorded", async () => {
    await rm(join(dir, "fleeting"), { recursive: true });
    const error = await host.create({ template: "fleeting" }).then(
      () => assert.fail("it was created"),
      (reason: Error & { code: string }) => reason,
    );
    assert.equal(error.code, "DRIVER_ERROR");
    assert.match(error.message, /fleeting/);
    const types = host.events.all.filter(({ level }) => level === "error").map(({ type }) => type);
    assert.deepEqual(types, ["sandbox.error", "sandbox.terminated"]);
  });

  test("one that cannot be is refused at the start, naming the option", async () => {
    await assert.rejects(
      startRuntime({ templates: { bad: { mounts: [{ source: "/no/such/dir", target: "/x" }] } } }),
      {
        code: "INVALID_REQUEST",
        message: /templates\.bad\.mounts: \/no\/such\/dir/,
      },
    );
  });
});
