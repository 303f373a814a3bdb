import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { callHttp, jsonLines, startDaemon, type TestDaemon, until } from "@sandglass/testkit";

const SECRET = "hunter2-0123456789abcdef";
const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "sandglass-reload-"));
  context.after(() => rm(path, { recursive: true, maxRetries: 20, retryDelay: 100 }));
  return path;
}

const linesOf = async (path: string) => jsonLines(await readFile(path, "utf8").catch(() => ""));

/** Sends SIGHUP and waits for what the log says of it. */
async function hangUp(daemon: TestDaemon, words: RegExp): Promise<string> {
  const before = daemon.logs().length;
  process.kill(daemon.pid, "SIGHUP");
  return until(`the log says ${words}`, () => {
    const said = daemon.logs().slice(before);
    return words.test(said) && said.endsWith("\n") && said;
  });
}

async function idsOf(daemon: TestDaemon): Promise<string[]> {
  const { json } = await callHttp(daemon, "GET /v1/exporters");
  return json.items.map(({ id }: { id: string }) => id);
}

test("SIGHUP adds, changes and removes exporters, and no event is lost or sent twice meanwhile", async (context) => {
  const home = await folder(context);
  const config = join(home, "sandglass.config.json");
  const put = (exporters: object[], more = {}) =>
    writeFile(config, JSON.stringify({ observability: { exporters }, ...more }));
  const jsonl = (id: string, more = {}) => ({
    id,
    provider: "jsonl",
    config: { filePath: join(home, `${id}.jsonl`) },
    ...more,
  });
  await put([jsonl("stays"), jsonl("changes"), jsonl("goes")]);
  await using daemon = await startDaemon({ args: ["--pool", "python=0"], env: { SANDGLASS_CONFIG: config } });
  await callHttp(daemon, "GET /v1/keys");
  assert.deepEqual(await idsOf(daemon), ["stays", "changes", "goes"]);

  await put([jsonl("stays"), jsonl("changes", { filter: { types: ["host.*"] } }), jsonl("comes")]);
  assert.match(await hangUp(daemon, /configuration reloaded/), /exporters=3/);
  assert.deepEqual((await idsOf(daemon)).toSorted(), ["changes", "comes", "stays"]);
  for (let n = 0; n < 20; n++) await callHttp(daemon, `GET /v1/sandboxes?limit=${n + 1}`);

  await put([jsonl("stays"), jsonl("goes"), jsonl("comes")]);
  await hangUp(daemon, /configuration reloaded/);
  const recorded = jsonLines((await callHttp(daemon, "GET /v1/events")).text).map(({ id }) => id);
  assert.equal((await callHttp(daemon, "POST /v1/exporters/flush", { json: {} })).json.pending, 0);
  for (const name of ["stays", "goes"]) {
    const ids = (await linesOf(join(home, `${name}.jsonl`))).map(({ id }) => id);
    // What was recorded meanwhile is there as well.
    assert.deepEqual(ids.slice(0, recorded.length), recorded);
    assert.equal(new Set(ids).size, ids.length);
  }
  // It began with what came behind its own beginning.
  const comes = (await linesOf(join(home, "comes.jsonl"))).map(({ id }) => id);
  const first = recorded.indexOf(comes[0]);
  assert.ok(first > 1 && recorded.length - first >= 20);
  assert.deepEqual(comes.slice(0, recorded.length - first), recorded.slice(first));
  const doctor = (await callHttp(daemon, "GET /v1/doctor")).json.config;
  const shown = doctor.find(({ option }: { option: string }) => option === "observability");
  assert.equal(shown.value, "jsonl (stays), jsonl (goes), jsonl (comes)");
});

test("a configuration that is wrong changes nothing, and says so without its secrets", async (context) => {
  const home = await folder(context);
  const config = join(home, "sandglass.config.json");
  const put = (content: unknown) =>
    writeFile(config, typeof content === "string" ? content : JSON.stringify(content));
  const fine = { provider: "jsonl", config: { filePath: join(home, "a.jsonl") } };
  await put({ observability: fine });
  await using daemon = await startDaemon({ args: ["--pool", "python=0"], env: { SANDGLASS_CONFIG: config } });
  const mistakes: [content: unknown, words: RegExp][] = [
    [`{"observability": {"token": ${SECRET}`, /not valid JSON/],
    [
      { observability: { exporters: [{ ...fine, id: "b" }, { provider: "jsnl" }] } },
      /observability\.exporters\[1\] \(in .*sandglass\.config\.json\).*jsonl/,
    ],
    [
      { observability: { exporters: [fine, { ...fine, id: "b" }] } },
      /observability\.exporters\[1\].*a\.jsonl is the exporter/,
    ],
    [
      { observability: { provider: "webhook", config: { url: 7, secret: SECRET } } },
      /option observability\.config\.url \(in /,
    ],
    [{ observability: fine, maxSandboxes: "x" }, /option maxSandboxes/],
  ];
  for (const [content, words] of mistakes) {
    await put(content);
    assert.match(await hangUp(daemon, /ERROR .*not reloaded, nothing has changed/), words);
    assert.deepEqual(await idsOf(daemon), ["jsonl"]);
  }
  await put({ observability: fine, maxSandboxes: 7, log: "debug" });
  const said = await hangUp(daemon, /restart/);
  assert.match(said, /WARN .*changed options need a restart.* options=log,maxSandboxes/);
  assert.ok(!daemon.logs().includes(SECRET));
  assert.equal((await callHttp(daemon, "GET /readyz")).status, 200);
});

test("an exporter that is registered by the configuration file is used, also when the file is read again", async (context) => {
  const home = await folder(context);
  const config = join(home, "sandglass.config.ts");
  const put = (prefix: string) =>
    writeFile(
      config,
      `import { appendFileSync } from "node:fs";
       import { defineConfig, Sandglass } from ${JSON.stringify(new URL("./index.ts", import.meta.url).href)};
       Sandglass.registerObservabilityExporter("mine", () => ({
         id: "mine",
         initialize(config: { path: string }) { this.path = config.path; },
         export(events: { type: string }[]) {
           appendFileSync(this.path, events.map((event) => "${prefix} " + event.type + "\\n").join(""));
         },
         async flush() {},
         async dispose() {},
       }) as never);
       export default defineConfig({
         observability: {
           provider: "mine",
           config: { path: ${JSON.stringify(join(home, "mine.txt"))}, ${prefix}: 1 },
           filter: { condition: (event) => event.type.startsWith("host.") || event.type === "http.request" },
         },
       });\n`,
    );
  await put("first");
  await using daemon = await startDaemon({ args: ["--pool", "python=0"], env: { SANDGLASS_CONFIG: config } });
  const written = async (line: string) => {
    await callHttp(daemon, "GET /v1/sandboxes");
    return (await readFile(join(home, "mine.txt"), "utf8").catch(() => "")).includes(`${line}\n`);
  };
  await until("the first one has written", () => written("first host.started"));
  await put("second");
  await hangUp(daemon, /configuration reloaded/);
  await until("the second one has written", () => written("second http.request"));
});

test("a daemon whose terminal is closed ends in order", async (context) => {
  const home = await folder(context);
  // `script` gives its command a terminal, and takes it away with its own end.
  const args = `--port 0 --data-dir ${join(home, "data")} --pool python=0`;
  const script = spawn("script", ["-qfc", `exec ${process.execPath} ${MAIN} ${args}`, "/dev/null"], {
    cwd: home,
    env: { ...process.env, SANDGLASS_CREDENTIALS: join(home, "credentials.json"), NODE_NO_WARNINGS: "1" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let text = "";
  script.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  await until("it is ready", () => /message=ready|"ready"| ready/.test(text) && /http:\/\/127/.test(text));
  script.kill("SIGKILL");
  await once(script, "close");
  // The directory is free for the next one, and the record says how the last one ended.
  await using next = await until("the directory is free", () =>
    startDaemon({ dataDir: join(home, "data"), args: ["--pool", "python=0"] }).catch(() => undefined),
  );
  const { text: events } = await callHttp(next, "GET /v1/events?types=host.*");
  assert.deepEqual(
    jsonLines(events).map(({ type }) => type),
    ["host.started", "host.stopped", "host.started"],
  );
});
