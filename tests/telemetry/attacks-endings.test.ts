import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startDaemon, until } from "@sandglass/testkit";
import { Client, type ExecResult, type Sandbox } from "sandglass";
import { AttackedDaemon, sandboxWithPrograms } from "./attacked-daemon.ts";
import { collectorPid } from "./collector-process.ts";
import { TelemetrySink } from "./telemetry-sink.ts";

/** Requests of each protocol in one sandbox, more than the collector has files open of its own. */
const HELD = 40;
const SANDBOXES = 5;

/** Runs `hold.py` and resolves when it holds its requests. */
async function holding(sandbox: Sandbox): Promise<{ ended: Promise<ExecResult> }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const ended = sandbox.commands.run(["python3", "hold.py", String(HELD)], {
    onStdout: (text) => text.includes("holds") && resolve(),
  });
  ended.catch(() => undefined); // whoever waits for it hears
  await Promise.race([promise, ended]);
  return { ended };
}

describe("a sandbox that tries to have the collector for itself, and one that ends in the middle of something", () => {
  let victim: AttackedDaemon;
  before(async () => {
    victim = await AttackedDaemon.start();
  });
  after(() => victim?.[Symbol.asyncDispose]());
  const descriptors = (): number => readdirSync(`/proc/${collectorPid(victim.daemon.pid)}/fd`).length;

  test("cannot listen in its place, reach its sockets, or take the network away from it", async () => {
    const { report } = await victim.withstands(() => victim.attack("sockets.py"));
    const {
      listeners,
      "listeners in reach": inReach,
      "HTTP afterwards": http,
      "gRPC afterwards": grpc,
      ...tries
    } = report;
    assert.deepEqual({ listeners, inReach, http, grpc }, { listeners: 2, inReach: 0, http: 200, grpc: 0 });
    for (const [name, result] of Object.entries(tries)) {
      if (name.startsWith("bind"))
        assert.match(String(result), /^(EADDRINUSE|EAFNOSUPPORT|EADDRNOTAVAIL)$/, name);
      else assert.notEqual(result, "yes", name);
    }
  });

  test("may be paused in the middle of its requests, which go on where they were", async () => {
    await using sandbox = await sandboxWithPrograms(victim.client);
    const { ended } = await holding(sandbox);
    await sandbox.pause();
    await victim.withstands(() => delay(1_000));
    await sandbox.resume();
    await sandbox.files.write("go", "");
    const { stdout } = await ended;
    const statuses = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
    assert.deepEqual(statuses, [...Array(HELD).fill(200), ...Array(HELD).fill(0)]);
  });

  test("leaves nothing behind when it is terminated in the middle of its requests, and what was whole arrives", async () => {
    const { report: ids, refused } = await victim.withstands(async () => {
      const sandboxes = await Promise.all(
        Array.from({ length: SANDBOXES }, () => sandboxWithPrograms(victim.client)),
      );
      await Promise.all(sandboxes.map(holding));
      await until("all are connected", () => descriptors() > SANDBOXES * 2 * HELD);
      await Promise.all(sandboxes.map((sandbox) => sandbox.terminate()));
      return sandboxes.map(({ id }) => id);
    });
    assert.equal(refused.aborted, SANDBOXES * 2 * HELD);
    await until("their connections are closed", () => descriptors() < HELD * 2);
    for (const id of ids)
      await until("its last words are there", () => victim.sink.namesOf(id).has("last-words"));
  });
});

describe("what the host keeps of an owner's endpoint", () => {
  test("is a private file that outlives a restart, and is gone with the last byte that was for it", async () => {
    await using disposables = new AsyncDisposableStack();
    const sink = disposables.use(await TelemetrySink.start());
    const dataDir = await mkdtemp(join(tmpdir(), "sg-store-"));
    disposables.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
    const store = join(dataDir, "otel-destinations");
    const files = async (): Promise<string[]> =>
      (await readdir(store)).filter((name) => name.startsWith("dst_"));
    const isPrivate = async (): Promise<void> => {
      const [file, ...more] = await files();
      assert.ok(file !== undefined && more.length === 0, `${file} ${more}`);
      assert.equal((await stat(join(store, file))).mode & 0o777, 0o600);
    };
    sink.answer = () => ({ status: 503 });
    {
      await using daemon = await startDaemon({
        dataDir,
        args: ["--pool", "python=0,bash=0", "--shutdown-timeout-ms", "2000"],
      });
      const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_EXPORTER_OTLP_HEADERS: "api-key=kept" };
      const sandbox = await sandboxWithPrograms(client, { otelExport: true, env });
      const { exitCode } = await sandbox.commands.run([
        "python3",
        "-c",
        'import otlp; exit(otlp.post(otlp.request("kept")) != 200)',
      ]);
      assert.equal(exitCode, 0);
      await isPrivate();
      await sandbox.terminate();
      await isPrivate();
      await client.close();
    }
    await isPrivate();
    await using daemon = await startDaemon({ dataDir, args: ["--pool", "python=0,bash=0"] });
    await isPrivate();
    sink.answer = () => undefined;
    await until("all of it is there, and its file is gone", async () => (await files()).length === 0);
    assert.ok(daemon.pid > 0);
    const names = sink.entries.flatMap((entry) => entry.names);
    for (const name of ["kept", "sandbox.create", "sandbox.execute", "sandbox.terminate"])
      assert.ok(names.includes(name), `${name} of ${names}`);
    assert.deepEqual([...new Set(sink.headers.map((headers) => headers["api-key"]))], ["kept"]);
  });
});
