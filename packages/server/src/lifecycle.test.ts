import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { callHttp, jsonLines, openHttp, startDaemon, until } from "@sandglass/testkit";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

/** Runs the daemon until it ends by itself. */
async function run(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const [code] = (await once(child, "close")) as [number];
  return { code, stdout, stderr };
}

/** Everything recorded, read by another daemon on the same directory. */
async function recordOf(dataDir: string, query = "") {
  await using reader = await startDaemon({ dataDir });
  const { text } = await callHttp(reader, `GET /v1/events${query}`);
  return jsonLines(text);
}

test("SIGTERM ends execs with their cause and the process with 0", async (context) => {
  const daemon = await startDaemon();
  context.after(() => daemon.stop());
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes");
  const stream = await openHttp(daemon, `POST /v1/sandboxes/${sandbox.id}/exec`, {
    json: { command: "echo begun; sleep 600" },
  });
  await once(stream.setEncoding("utf8"), "data");
  let text = "";
  stream.on("data", (chunk: string) => (text += chunk));
  const ended = once(stream, "end");
  process.kill(daemon.pid, "SIGTERM");
  await ended;
  const exit = jsonLines(text).at(-1);
  assert.deepEqual([exit.type, exit.cause], ["exit", "host_shutdown"]);
});

test("what SIGTERM ended is in the record, in order, behind nothing lost", async (context) => {
  const daemon = await startDaemon();
  context.after(() => daemon.stop());
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes");
  const stream = await openHttp(daemon, `POST /v1/sandboxes/${sandbox.id}/exec`, {
    json: { command: "echo begun; sleep 600" },
  });
  await once(stream, "data");
  stream.resume();
  const closed = once(stream, "close");
  process.kill(daemon.pid, "SIGTERM");
  await closed;
  const code = await daemon.exited;
  assert.equal(code, 0);
  const events = await recordOf(
    daemon.dataDir,
    "?types=exec.completed,sandbox.terminated,host.*,http.request",
  );
  const endings = events
    .filter(({ type }) => !type.startsWith("h"))
    .map(({ type, data }) => [type, data.cause]);
  assert.deepEqual(endings, [
    ["exec.completed", "host_shutdown"],
    ["sandbox.terminated", "host_shutdown"],
  ]);
  const stopped = events.findIndex(({ type }) => type === "host.stopped");
  const requests = events.slice(0, stopped).filter(({ type }) => type === "http.request");
  assert.deepEqual(
    requests.map(({ data }) => data.status),
    [201, 200],
  );
});

test("after a SIGKILL everything that was open is ended as host_crash, exactly once, however often it is started", async (context) => {
  const daemon = await startDaemon();
  context.after(() => daemon.stop());
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes");
  const path = `/v1/sandboxes/${sandbox.id}`;
  const stream = await openHttp(daemon, `POST ${path}/exec`, { json: { command: "echo begun; sleep 600" } });
  await once(stream, "data");
  stream.on("error", () => undefined);
  await daemon.kill();

  await using second = await startDaemon({ dataDir: daemon.dataDir, apiKeys: [daemon.apiKey] });
  const ready = await callHttp(second, "GET /v1/events?types=exec.completed,sandbox.terminated,host.started");
  const [started, again, exec, terminated] = jsonLines(ready.text);
  assert.equal(started.data.recovery, undefined);
  assert.deepEqual([again.data.recovery.sandboxes, again.data.recovery.execs], [1, 1]);
  assert.deepEqual(
    [exec.type, exec.data.execId, exec.data.cause, exec.data.exitCode, exec.data.signal],
    ["exec.completed", stream.headers["x-exec-id"], "host_crash", 137, "SIGKILL"],
  );
  assert.equal(exec.data.stdoutBytes, "begun\n".length);
  assert.deepEqual(
    [terminated.type, terminated.sandboxId, terminated.data.cause],
    ["sandbox.terminated", sandbox.id, "host_crash"],
  );
  const { json } = await callHttp(second, `GET ${path}`);
  assert.deepEqual([json.state, json.cause], ["terminated", "host_crash"]);
  const replay = jsonLines(
    (await callHttp(second, `GET ${path}/execs/${stream.headers["x-exec-id"]}/stream`)).text,
  );
  assert.deepEqual([replay[0].data, replay.at(-1).cause], ["begun\n", "host_crash"]);
  await second.kill();

  const endings = (await recordOf(daemon.dataDir, "?types=exec.completed,sandbox.terminated")).map(
    ({ type }) => type,
  );
  assert.deepEqual(endings, ["exec.completed", "sandbox.terminated"]);
  const seqs = (await recordOf(daemon.dataDir, `?sandboxId=${sandbox.id}`)).map(({ seq }) => seq);
  assert.deepEqual(
    seqs,
    seqs.map((_, index) => index + 1),
  );
});

test("a second signal ends the process at once, and the next start makes up for it", async (context) => {
  const daemon = await startDaemon();
  context.after(() => daemon.stop());
  await callHttp(daemon, "POST /v1/sandboxes");
  process.kill(daemon.pid, "SIGTERM");
  process.kill(daemon.pid, "SIGINT");
  assert.ok([130, 143].includes((await daemon.exited) ?? 0));
  const endings = await recordOf(daemon.dataDir, "?types=sandbox.terminated");
  assert.equal(endings.length, 1);
});

test("a port that is taken is said in one line", async (context) => {
  const server = createServer();
  context.after(() => server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const { code, stderr } = await run(["--port", String(port), "--data-dir", "/nonexistent/never/made"]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^sandglass: port ${port} of 127\\.0\\.0\\.1 is taken.*--port\\n$`));
});

test("a data directory that another daemon has is said in one line, with its process id", async () => {
  await using daemon = await startDaemon();
  const { code, stderr } = await run(["--port", "0", "--data-dir", daemon.dataDir]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^sandglass: [^\\n]*\\b${daemon.pid}\\b[^\\n]*\\n$`));
  assert.equal((await callHttp(daemon, "GET /readyz")).status, 200);
});

test("a daemon that others could reach without explicit keys is refused before it listens", async () => {
  const { code, stderr } = await run(
    ["--host", "0.0.0.0", "--port", "0", "--data-dir", "/nonexistent/never/made"],
    { SANDGLASS_API_KEYS: "" },
  );
  assert.equal(code, 1);
  assert.match(stderr, /^sandglass: refusing to listen on 0\.0\.0\.0.*SANDGLASS_API_KEYS.*\n$/);
});

test("a key that cannot be kept where its user's programs look ends the start with what to do about it", async (context) => {
  const dataDir = await mkdtemp(join(tmpdir(), "sandglass-lifecycle-"));
  context.after(() => rm(dataDir, { recursive: true }));
  const env = { SANDGLASS_CREDENTIALS: "/dev/null/credentials.json", SANDGLASS_API_KEYS: "" };
  const { code, stderr } = await run(["--port", "0", "--data-dir", dataDir, "--pool", "python=0"], env);
  assert.equal(code, 1);
  assert.match(stderr, /^sandglass: cannot keep this daemon's key .*SANDGLASS_CREDENTIALS.*\n$/);
});

test("a mistake in the options ends it with 2 and one line, help and version with 0", async () => {
  const wrong = await run(["--prot", "1"]);
  assert.deepEqual(
    [wrong.code, wrong.stderr],
    [2, "sandglass: unknown option --prot (on the command line); did you mean --port?\n"],
  );
  const help = await run(["--help"]);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /--data-dir .*\[SANDGLASS_DATA_DIR\]/);
  assert.match((await run(["--version"])).stdout, /^\d+\.\d+\.\d+\n$/);
});

test("a reader of stdout that stops reading holds nothing up", async (context) => {
  const home = await startDaemon({ isStdoutRead: false, env: { SANDGLASS_LOG: "debug" } });
  context.after(() => home.stop());
  // Four times what a pipe holds: the daemon would stand still at some point if it waited for a reader.
  for (let written = 0; written < 4 * 65_536; written += 50 * 200) {
    const batch = Array.from({ length: 50 }, () => callHttp(home, "GET /healthz"));
    for (const { status } of await Promise.all(batch)) assert.equal(status, 200);
  }
});

test("logs are JSON where that is asked for, each line one object", async () => {
  await using daemon = await startDaemon({ env: { SANDGLASS_LOG_FORMAT: "json" } });
  await callHttp(daemon, "GET /v1/sandboxes");
  await callHttp(daemon, "GET /v1/events");
  // An answer comes before its line.
  await until("what it did is told", () => {
    const messages = jsonLines(daemon.logs()).map(({ message }) => message);
    return ["host started", "ready", "request complete"].every((each) => messages.includes(each));
  });
});
