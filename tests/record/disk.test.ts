import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { callHttp, type HttpCall, openHttp, seeded, type TestDaemon, until } from "@sandglass/testkit";
import { checkRecord } from "./checker/check-record.ts";
import { FireClient } from "./fire/client.ts";
import { FiredDaemon } from "./fire/fired-daemon.ts";
import { LoopDisk } from "./fire/loop-disk.ts";
import { Told } from "./fire/told.ts";

const SANDBOX = { template: "bash", memoryMb: 64, diskMb: 16 };
const ARGS = ["--pool", "python=0", "--log", "info"];
/** What a client may meet while nothing can be written. */
const REFUSALS = ["LOG_UNAVAILABLE", "DRIVER_ERROR", "FILE_ERROR", "DISK_FULL", "INTERNAL"];

async function create(daemon: TestDaemon): Promise<string> {
  const answer = await callHttp(daemon, "POST /v1/sandboxes", { json: SANDBOX });
  assert.equal(answer.status, 201, answer.text);
  return answer.json.id;
}

/**
 * Asks until the log refuses: what is left of a block still takes a few events. Only heads are waited for, for an exec that began may not
 * be able to end.
 */
async function untilRefused(
  daemon: TestDaemon,
  line: string,
  call: HttpCall,
): Promise<{ code: string; message: string; hint: string }> {
  return until(`${line} is refused`, async () => {
    const response = await openHttp(daemon, line, call);
    if (response.statusCode !== 503) return void response.destroy();
    let text = "";
    for await (const chunk of response.setEncoding("utf8")) text += chunk;
    const { error } = JSON.parse(text);
    return error.code === "LOG_UNAVAILABLE" && error;
  });
}

/**
 * What is seen of an exec that has ended while nothing can be written: its stream has all but the last line, it reads as running, and
 * whoever asks whether the daemon works hears why.
 */
async function seeEndingWait(
  daemon: TestDaemon,
  sandboxId: string,
  running: Awaited<ReturnType<typeof startWaiting>>,
): Promise<void> {
  const path = `/v1/sandboxes/${sandboxId}/execs/${running.execId}`;
  await callHttp(daemon, `POST ${path}/kill`, { json: { signal: "SIGKILL" } });
  const again = await until("it has ended", async () => {
    const answer = await callHttp(daemon, `POST ${path}/kill`, { json: { signal: "SIGKILL" } });
    return answer.status !== 200 && answer;
  });
  assert.deepEqual([again.status, again.json.error.code], [409, "EXEC_ENDED"]);
  const ready = await until("it is not ready", async () => {
    const answer = await callHttp(daemon, "GET /readyz");
    return answer.status === 503 && answer;
  });
  assert.equal(ready.json.error.code, "LOG_UNAVAILABLE");
  assert.ok(!ready.text.includes(daemon.dataDir));
  const { json: doctor } = await callHttp(daemon, "GET /v1/doctor");
  const check = doctor.checks.find(({ name }: { name: string }) => name === "record");
  assert.equal(check.status, "error");
  assert.match(check.detail, /ENOSPC|EROFS|EIO/);
  assert.equal((await callHttp(daemon, `GET ${path}`)).json.state, "running");
  assert.match(running.said(), /"data":"said\\n"/);
  assert.doesNotMatch(running.said(), /"exit"/);
}

/** An exec that says something, and then waits to be killed. */
async function startWaiting(
  daemon: TestDaemon,
  sandboxId: string,
): Promise<{ execId: string; text: Promise<string>; said: () => string }> {
  const json = { command: "echo said; sleep 10000" };
  const response = await openHttp(daemon, `POST /v1/sandboxes/${sandboxId}/exec`, { json });
  let text = "";
  const read = async (): Promise<string> => {
    for await (const chunk of response.setEncoding("utf8")) text += chunk;
    return text;
  };
  return { execId: response.headers["x-exec-id"] as string, text: read(), said: () => text };
}

test("a disk that fills up: refusals with a hint, an exec's ending that waits for room, and service again by itself", async () => {
  using disk = LoopDisk.mount(64);
  await using fired = await FiredDaemon.prepare({ dataDir: join(disk.path, "d"), args: ARGS });
  const daemon = await fired.start();
  const sandboxId = await create(daemon);
  const running = await startWaiting(daemon, sandboxId);
  const told = new Told();
  const stop = new AbortController();
  const options = { told, random: seeded(7), holds: 2, mayRefuse: REFUSALS };
  const working = new FireClient(daemon, options).run(stop.signal, () => fired.isDoomed);
  await until("it works", () => told.answers > 3);

  disk.fill();
  const exec = `POST /v1/sandboxes/${sandboxId}/exec`;
  const refusal = await untilRefused(daemon, exec, { json: { command: "true" } });
  assert.match(refusal.hint, /make room/);
  await untilRefused(daemon, "POST /v1/sandboxes", { json: SANDBOX });
  assert.equal((await callHttp(daemon, "GET /healthz")).status, 200);
  await seeEndingWait(daemon, sandboxId, running);
  await until("the log says so", () => /write_failed/.test(daemon.logs()));

  disk.free();
  assert.match(await running.text, /"cause":"killed"/);
  await until("it is ready again", async () => (await callHttp(daemon, "GET /readyz")).status === 200);
  const answers = told.answers;
  await until("the client is served again", () => told.answers > answers + 3);
  assert.match((await callHttp(daemon, exec, { json: { command: "echo again" } })).text, /again\\n/);
  stop.abort();
  await working;
  assert.deepEqual(told.surprises, []);
  assert.equal(await fired.stop(), 0);
  const { findings } = checkRecord(fired.dataDir, { clients: told, areRequestsRecorded: false });
  assert.deepEqual(findings, []);
});

test("a disk that turns read-only: refusals with a hint, and what was answered can be read and carried on elsewhere", async () => {
  using disk = LoopDisk.mount(64);
  await using fired = await FiredDaemon.prepare({ dataDir: join(disk.path, "d"), args: ARGS });
  const daemon = await fired.start();
  const sandboxId = await create(daemon);
  const running = await startWaiting(daemon, sandboxId);
  disk.fail();
  const exec = `POST /v1/sandboxes/${sandboxId}/exec`;
  const refusal = await untilRefused(daemon, exec, { json: { command: "true" } });
  assert.match(refusal.hint, /see to the disk/);
  await untilRefused(daemon, "POST /v1/sandboxes", { json: SANDBOX });
  assert.equal((await callHttp(daemon, "GET /healthz")).status, 200);
  const ended = running.text.catch(() => "");
  await seeEndingWait(daemon, sandboxId, running);
  // It does not wait for what cannot come: the code says that the record has not all of it.
  assert.equal(await fired.stop(), 1);
  await ended;
  // What a person would do: such a file system can still be read.
  await using rescued = await FiredDaemon.prepare({ args: ARGS });
  mkdirSync(rescued.dataDir);
  for (const name of readdirSync(fired.dataDir))
    if (name !== "sandboxes" && name !== "runtime")
      cpSync(join(fired.dataDir, name), join(rescued.dataDir, name), { recursive: true });
  await rescued.start();
  const { findings, endings } = checkRecord(rescued.dataDir);
  assert.deepEqual(findings, []);
  assert.deepEqual(endings, { "exec host_crash": 1, "sandbox host_crash": 1 });
});

/** Lets these system calls of a daemon fail with EIO where they are about its event log, until it is disposed of. */
class FailingCalls implements AsyncDisposable {
  readonly #strace: ChildProcess;

  /** @param isOfLog false has them fail wherever they are made */
  static async begin(daemon: TestDaemon, calls: string, isOfLog = true): Promise<FailingCalls> {
    const log = join(daemon.dataDir, "log");
    const paths = readdirSync(log)
      .filter((name) => name.endsWith(".seg"))
      .flatMap((name) => ["-P", join(log, name)]);
    const inject = ["-e", `trace=${calls}`, "-e", `inject=${calls}:error=EIO`];
    const strace = spawn(
      "strace",
      ["-f", "-qq", "-p", String(daemon.pid), ...(isOfLog ? paths : []), ...inject],
      {
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    await once(strace, "spawn");
    return new FailingCalls(strace);
  }

  private constructor(strace: ChildProcess) {
    this.#strace = strace;
    strace.stderr?.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#strace, "exit");
    // At once: it may be waiting for a thread that waits for it, and the kernel lets go of what it traced.
    this.#strace.kill("SIGKILL");
    await exited;
  }
}

for (const [what, calls] of [
  ["writes", "pwrite64,pwritev,write,writev"],
  ["writes, and cutting away what was written of them", "pwrite64,pwritev,write,writev,ftruncate"],
] as const) {
  test(`a disk whose ${what} fail with EIO: refusals with a hint, and service again by itself`, async () => {
    await using fired = await FiredDaemon.prepare({ args: ARGS });
    const daemon = await fired.start();
    const sandboxId = await create(daemon);
    const running = await startWaiting(daemon, sandboxId);
    const exec = `POST /v1/sandboxes/${sandboxId}/exec`;
    {
      await using _failing = await FailingCalls.begin(daemon, calls);
      const refusal = await untilRefused(daemon, exec, { json: { command: "true" } });
      assert.match(refusal.message, /EIO/);
      assert.match(refusal.hint, /see to the disk/);
      await untilRefused(daemon, "POST /v1/sandboxes", { json: SANDBOX });
      const killed = await callHttp(daemon, `${exec}s/${running.execId}/kill`, {
        json: { signal: "SIGKILL" },
      });
      assert.equal(killed.status, 200, killed.text);
    }
    assert.match(await running.text, /"cause":"killed"/);
    assert.match((await callHttp(daemon, exec, { json: { command: "echo again" } })).text, /again\\n/);
    assert.equal(await fired.stop(), 0);
    assert.deepEqual(checkRecord(fired.dataDir, { areRequestsRecorded: false }).findings, []);
  });
}

test("a disk that fails to sync: said in the log, a new segment, nothing lost and nothing twice", async () => {
  await using fired = await FiredDaemon.prepare({ args: [...ARGS, "--durability", "power"] });
  const daemon = await fired.start();
  const sandboxId = await create(daemon);
  const exec = `POST /v1/sandboxes/${sandboxId}/exec`;
  {
    await using _failing = await FailingCalls.begin(daemon, "fdatasync,fsync", false);
    await untilRefused(daemon, exec, { json: { command: "true" } });
  }
  assert.match((await callHttp(daemon, exec, { json: { command: "echo again" } })).text, /again\\n/);
  await until("the log says so", () => /sync_failed/.test(daemon.logs()));
  const segments = readdirSync(join(fired.dataDir, "log")).filter((name) => name.endsWith(".seg"));
  assert.ok(segments.length > 1);
  assert.equal(await fired.stop(), 0);
  const { findings } = checkRecord(fired.dataDir, { areRequestsRecorded: false });
  assert.deepEqual(findings, []);
});
