import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { type CliResult, runCommand } from "./cli-process.ts";

let daemon: TestDaemon;

// It makes its own key, and keeps it where its user's commands find it.
before(async () => {
  daemon = await startDaemon({ apiKeys: [] });
});
after(() => daemon.stop());

const sandglass = (args: string[], env: Record<string, string> = {}): Promise<CliResult> =>
  runCommand(args, {
    env: { SANDGLASS_URL: daemon.url, SANDGLASS_CREDENTIALS: daemon.credentialsFile, ...env },
  });

async function ownId(): Promise<string> {
  const { stdout } = await sandglass(["keys", "list", "--json"]);
  const [{ id } = { id: "" }] = JSON.parse(stdout) as { id: string }[];
  return id;
}

async function kept(): Promise<Record<string, { apiKey: string }>> {
  return JSON.parse(await readFile(daemon.credentialsFile, "utf8"));
}

test("rotating the key that the command asks with keeps the new secret where the old one was, beside other daemons' keys", async () => {
  const before = await kept();
  const others = { "https://elsewhere.example": { apiKey: "sgk_other" } };
  await writeFile(daemon.credentialsFile, JSON.stringify({ ...before, ...others }));
  for (const grace of [[], ["--grace", "1h"]]) {
    const { stdout, stderr, code } = await sandglass(["keys", "rotate", await ownId(), ...grace]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /is kept in /);
    assert.ok(!stderr.includes(stdout.trim()));
    assert.deepEqual(await kept(), { [daemon.url]: { apiKey: stdout.trim() }, ...others });
    assert.notEqual(stdout.trim(), before[daemon.url]?.apiKey);
    assert.equal((await stat(daemon.credentialsFile)).mode & 0o777, 0o600);
    assert.equal((await sandglass(["ps"])).code, 0, "the next command is let in");
  }
});

test("where the key is another's, or comes from elsewhere, the credentials file stays as it is", async () => {
  const before = await kept();
  const made = await sandglass(["keys", "create", "ci", "--json"]);
  const { id, key } = JSON.parse(made.stdout) as { id: string; key: string };
  const others = await sandglass(["keys", "rotate", id, "--grace", "1h"]);
  assert.equal(others.code, 0, others.stderr);
  assert.doesNotMatch(others.stderr, /asks with/);
  const own = await sandglass(["keys", "rotate", id], { SANDGLASS_API_KEY: key });
  assert.equal(own.code, 0, own.stderr);
  assert.match(own.stderr, /keep it in SANDGLASS_API_KEY/);
  assert.deepEqual(await kept(), before);
});
