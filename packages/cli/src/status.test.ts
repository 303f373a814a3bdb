import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { type CliResult, runCommand } from "./cli-process.ts";

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon({
    args: ["--pool", "python=0"],
    env: { SANDGLASS_STATUS_ENABLED: "true", SANDGLASS_STATUS_CANARY_ENABLED: "false" },
  });
});
after(() => daemon?.stop());

const sandglass = (...args: string[]): Promise<CliResult> =>
  runCommand(args, { env: { SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey } });

test("an incident is opened, updated and resolved, and `status` says so while it lasts, by its exit code too", async () => {
  const opened = await sandglass(
    ...["incident", "open", "Slow starts", "--message", "We look into it."],
    ...["--component", "api=partial_outage"],
  );
  assert.equal(opened.code, 0, opened.stderr);
  const id = opened.stdout.trim();
  const during = await sandglass("status");
  assert.equal(during.code, 1);
  assert.match(during.stdout, /^Partial System Outage\n/);
  assert.match(during.stdout, /\napi +API +partial outage/);
  assert.match(during.stdout, /Slow starts/);
  const [out, well] = await Promise.all([sandglass("status", "api"), sandglass("status", "log")]);
  assert.equal(out.code, 1);
  assert.match(
    out.stdout,
    /^API: partial outage\nCOMPONENT .*\napi +[^\n]*\n\nIncidents\n[\s\S]*Slow starts/,
  );
  assert.equal(well.code, 0);
  assert.match(well.stdout, /^Event log: operational\nCOMPONENT .*\nlog +[^\n]*\n$/);
  await sandglass("incident", "update", id, "--message", "Found.", "--status", "identified");
  assert.match((await sandglass("incident", "list", "--open")).stdout, /identified .*Slow starts +Found\./);
  assert.equal((await sandglass("incident", "resolve", id)).stdout.trim(), id);
  const after = await sandglass("status", "--json");
  assert.equal(after.code, 0);
  assert.deepEqual(JSON.parse(after.stdout).incidents, []);
  const again = await sandglass("incident", "update", id, "--message", "More.");
  assert.equal(again.code, 1);
  assert.match(again.stderr, /is resolved/);
});

test("maintenance that begins now is shown at once, and ends when it is cancelled", async () => {
  const scheduled = await sandglass(
    ...["maintenance", "schedule", "Disks", "--message", "New ones.", "--component", "log,store"],
    ...["--start", "now", "--for", "1h"],
  );
  assert.equal(scheduled.code, 0, scheduled.stderr);
  const during = await sandglass("status");
  assert.match(during.stdout, /^Service Under Maintenance\n/);
  assert.equal(during.code, 0);
  assert.equal((await sandglass("maintenance", "cancel", scheduled.stdout.trim())).code, 0);
  assert.match((await sandglass("maintenance", "list")).stdout, /completed .*log store +Disks/);
});

test("what cannot be is said with what can", async () => {
  const unknown = await sandglass(
    "incident",
    "open",
    "X",
    "--message",
    "Y",
    "--component",
    "nothing=major_outage",
  );
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /there is no component nothing/);
  assert.match(unknown.stderr, /components are api, /);
  const nope = await sandglass("status", "nope");
  assert.equal(nope.code, 2);
  assert.match(nope.stderr, /^sandglass: there is no component "nope"; components are api, .*log/);
  const status = await sandglass("incident", "open", "X", "--message", "Y", "--component", "api=sad");
  assert.equal(status.code, 2);
  assert.match(status.stderr, /operational/);
  const schedule = ["maintenance", "schedule", "X", "--message", "Y", "-c", "api", "--for", "1h"];
  assert.equal((await sandglass(...schedule, "--start", "soon")).code, 2);
  const past = await sandglass(...schedule, "--start", "2020-01-01");
  assert.equal(past.code, 2);
  assert.match(past.stderr, /^sandglass: the end, --start with --for behind it, is not in the future/);
});

test("an export to where nobody makes a directory is refused instead of tried for ever", async () => {
  const { code, stderr } = await sandglass("status", "export", "/proc/nowhere/public");
  assert.equal(code, 1);
  assert.match(stderr, /ENOENT.*\/proc\/nowhere/);
});
