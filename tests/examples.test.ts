import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { runScript } from "./run-script.ts";

const TEMPLATE = fileURLToPath(new URL("../examples/custom-template/", import.meta.url));

let daemon: TestDaemon;
let env: Record<string, string>;
before(async () => {
  execFileSync(`${TEMPLATE}setup.sh`);
  daemon = await startDaemon({ args: ["--config", `${TEMPLATE}sandglass.config.ts`] });
  env = { SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey };
});
after(() => daemon.stop());

test("hello.ts keeps variables between cells, streams, and reads a failure as a result", async () => {
  const { code, stdout, stderr } = await runScript("examples/hello.ts", env);
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^words: 4\ncode\nruns\nin\nhere\nended: exited, code 0\nfailed: IndexError: .+\ntrace: [0-9a-f]{32}\n$/,
  );
});

test("files.ts takes files in and out, and runs commands on them", async () => {
  const { code, stdout, stderr } = await runScript("examples/files.ts", env);
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.trimEnd().split("\n"), [
    "file /workspace/notes/this-file.ts true",
    "file /workspace/notes/today.txt true",
    "sorted: sand glass",
    "same bytes: true",
    "mode: 600",
    "left: kept",
    "moved away: FILE_NOT_FOUND",
  ]);
});

test("custom-template/ mounts a virtualenv and a module read-only, and has it warmed up", async () => {
  const { code, stdout, stderr } = await runScript("examples/custom-template/run.ts", env);
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^interpreter: '\/opt\/venv'\ninterval: \[25\.5, [\d.]+, [\d.]+\]\nwriting to the mount: (PermissionError|OSError): .+\n$/,
  );
});

test("my-exporter.ts gets every event of an in-process run, though its server is away at first", async () => {
  const { code, stdout, stderr } = await runScript("examples/my-exporter.ts", {});
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^the cell said 42\nrequests: \d+ events: (.+)\n$/);
  for (const type of [
    "host.started",
    "sandbox.created",
    "exec.completed",
    "sandbox.terminated",
    "host.stopped",
  ]) {
    assert.match(stdout, new RegExp(`\\b${type.replace(".", "\\.")}\\b`));
  }
});

test("the examples say what is missing where no daemon answers", async () => {
  const { code, stderr } = await runScript("examples/hello.ts", { SANDGLASS_URL: "http://127.0.0.1:9" });
  assert.equal(code, 1);
  assert.match(stderr, /CONNECTION_FAILED/);
});
