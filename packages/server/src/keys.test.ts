import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SandglassError } from "@sandglass/protocol";
import {
  authenticate,
  checkBind,
  grantScopes,
  isLoopback,
  provideLocalKey,
  requireOperator,
  requireScope,
} from "./auth.ts";
import type { Caller } from "./caller.ts";
import { ConfigError, type SandglassConfig } from "./config.ts";
import { Credentials } from "./credentials.ts";
import { Keyring } from "./keys.ts";

const SECRET = "configured-0123456789abcdef";
const CONFIGURED = { name: "ci", orgId: "acme", secret: SECRET };
const OPERATOR: Caller = { orgId: "default", scopes: ["admin"] };
const member = (orgId: string): Caller => ({ orgId, scopes: ["admin"] });
const URL_A = "http://127.0.0.1:7070";

async function directory(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "sandglass-keys-"));
  context.after(() => rm(path, { recursive: true }));
  return path;
}

function isCode(code: string) {
  return (error: unknown) => error instanceof SandglassError && error.code === code;
}

test("a created key is found at once, its plaintext is on no disk, and it survives a restart", async (context) => {
  const dataDir = await directory(context);
  const keyring = await Keyring.open(dataDir, []);
  const created = await keyring.create({ name: "laptop", orgId: "default" });
  assert.match(created.key, /^sg_[A-Za-z0-9_-]{43}$/);
  assert.equal(keyring.find(created.key)?.key.id, created.id);
  const file = join(dataDir, "keys.json");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.ok(!(await readFile(file, "utf8")).includes(created.key.slice(3)));
  const again = await Keyring.open(dataDir, []);
  assert.equal(again.find(created.key)?.key.orgId, "default");
  assert.equal(again.find(`${created.key.slice(0, -1)}#`), undefined);
});

test("a revoked key is found no more, before and after a restart", async (context) => {
  const dataDir = await directory(context);
  const keyring = await Keyring.open(dataDir, []);
  const { id, key } = await keyring.create({ name: "laptop", orgId: "acme" });
  await assert.rejects(keyring.revoke(id, member("other")), isCode("KEY_NOT_FOUND"));
  await keyring.revoke(id, member("acme"));
  assert.equal(keyring.find(key), undefined);
  assert.equal((await Keyring.open(dataDir, [])).find(key), undefined);
});

test("an organisation lists its own keys, the operator's lists all, neither shows a hash", async (context) => {
  const keyring = await Keyring.open(await directory(context), [CONFIGURED]);
  const { id } = await keyring.create({ name: "laptop", orgId: "default" });
  assert.deepEqual(
    keyring.list(member("acme")).map((key) => key.name),
    ["ci"],
  );
  assert.deepEqual(
    keyring
      .list(OPERATOR)
      .map((key) => key.id)
      .toSorted(),
    ["key_config_ci", id].toSorted(),
  );
  assert.deepEqual(Object.keys(keyring.list(member("acme"))[0] ?? {}).toSorted(), [
    "createdAt",
    "id",
    "name",
    "orgId",
    "scopes",
  ]);
});

test("a configured key is never written down and cannot be revoked", async (context) => {
  const dataDir = await directory(context);
  const keyring = await Keyring.open(dataDir, [CONFIGURED]);
  await keyring.create({ name: "laptop", orgId: "default" });
  assert.ok(!(await readFile(join(dataDir, "keys.json"), "utf8")).includes("key_config"));
  await assert.rejects(keyring.revoke("key_config_ci", member("acme")), isCode("FORBIDDEN"));
});

test("a key is admin of its organisation unless it says otherwise", async (context) => {
  const dataDir = await directory(context);
  const keyring = await Keyring.open(dataDir, [CONFIGURED]);
  assert.deepEqual(keyring.find(SECRET)?.key.scopes, ["admin"]);
  const plain = await keyring.create({ name: "plain", orgId: "default", scopes: ["events:read"] });
  const { key } = await keyring.create({ name: "laptop", orgId: "default" });
  const again = await Keyring.open(dataDir, []);
  assert.deepEqual(again.find(plain.key)?.key.scopes, ["events:read"]);
  assert.deepEqual(again.find(key)?.key.scopes, ["admin"]);
});

test("keys from before there were scopes keep what they may do", async (context) => {
  const dataDir = await directory(context);
  const old = await (await Keyring.open(dataDir, [])).create({ name: "old", orgId: "default" });
  const file = join(dataDir, "keys.json");
  const stored = JSON.parse(await readFile(file, "utf8"));
  delete stored.keys[0].scopes;
  await writeFile(file, JSON.stringify(stored));
  assert.deepEqual((await Keyring.open(dataDir, [])).find(old.key)?.key.scopes, ["admin"]);
  stored.keys[0].scopes = [];
  await writeFile(file, JSON.stringify(stored));
  const everyday = ["sandboxes:read", "sandboxes:write", "events:read"];
  assert.deepEqual((await Keyring.open(dataDir, [])).find(old.key)?.key.scopes, everyday);
});

test("nobody gives a scope they do not have, ends a key that has more, or sees beyond their organisation", async (context) => {
  const keyring = await Keyring.open(await directory(context), []);
  const plain: Caller = { orgId: "default", scopes: ["events:read"] };
  assert.deepEqual(grantScopes(undefined, "default", OPERATOR), ["admin"]);
  assert.deepEqual(grantScopes(undefined, "default", plain), ["events:read"]);
  assert.deepEqual(grantScopes(["events:read", "events:read"], "default", plain), ["events:read"]);
  for (const scope of ["sandboxes:read", "sandboxes:write", "admin"] as const) {
    assert.throws(() => grantScopes([scope], "default", plain), isCode("FORBIDDEN"));
    assert.throws(() => requireScope(plain, scope), isCode("FORBIDDEN"));
    requireScope(member("acme"), scope);
  }
  assert.throws(() => requireOperator(plain, "this"), isCode("FORBIDDEN"));
  assert.throws(() => requireOperator(member("acme"), "this"), isCode("FORBIDDEN"));
  const { id } = await keyring.create({ name: "laptop", orgId: "default" });
  await assert.rejects(keyring.revoke(id, plain), isCode("FORBIDDEN"));
  await assert.rejects(keyring.rotate(id, 0, plain), isCode("FORBIDDEN"));
  await keyring.create({ name: "theirs", orgId: "acme" });
  assert.deepEqual(
    keyring.list(plain).map(({ name }) => name),
    ["laptop"],
  );
});

test("many keys made at once are all kept", async (context) => {
  const dataDir = await directory(context);
  const keyring = await Keyring.open(dataDir, []);
  const created = await Promise.all(
    Array.from({ length: 20 }, (_, index) => keyring.create({ name: `key ${index}`, orgId: "default" })),
  );
  const again = await Keyring.open(dataDir, []);
  assert.ok(created.every(({ key }) => again.find(key) !== undefined));
});

test("damaged keys refuse the start instead of locking everybody out silently", async (context) => {
  const dataDir = await directory(context);
  await writeFile(join(dataDir, "keys.json"), '{"format":1,"keys":[{"id":1}]}');
  await assert.rejects(Keyring.open(dataDir, []), /keys\.json is damaged/);
  await writeFile(join(dataDir, "keys.json"), "{");
  await assert.rejects(Keyring.open(dataDir, []), /keys\.json is damaged/);
});

test("only a known key in the Bearer form authenticates, and no refusal repeats what was sent", async (context) => {
  const keyring = await Keyring.open(await directory(context), [CONFIGURED]);
  assert.equal(authenticate(`Bearer ${SECRET}`, keyring).key.orgId, "acme");
  assert.equal(authenticate(`bearer  ${SECRET} `, keyring).key.orgId, "acme");
  for (const header of [
    undefined,
    "",
    "Bearer ",
    "Bearer nope-nope-nope-nope",
    SECRET,
    `Basic ${SECRET}`,
    `Bearer ${SECRET} x`,
  ]) {
    assert.throws(
      () => authenticate(header, keyring),
      (error: unknown) =>
        error instanceof SandglassError &&
        error.code === "UNAUTHORIZED" &&
        !JSON.stringify([error.message, error.hint]).includes("nope"),
    );
  }
});

test("the first start writes a key where its user finds it, and later starts keep it", async (context) => {
  const dataDir = await directory(context);
  const credentials = new Credentials(join(dataDir, "home", "credentials.json"));
  const keyring = await Keyring.open(dataDir, []);
  await provideLocalKey(keyring, credentials, URL_A, []);
  const key = (await credentials.read()).get(URL_A) ?? "";
  assert.equal(keyring.find(key)?.key.name, "local");
  assert.equal((await stat(credentials.path)).mode & 0o777, 0o600);

  await provideLocalKey(await Keyring.open(dataDir, []), credentials, URL_A, []);
  assert.equal((await credentials.read()).get(URL_A), key);
  await provideLocalKey(await Keyring.open(dataDir, []), credentials, "http://127.0.0.1:9", []);
  assert.equal((await credentials.read()).get("http://127.0.0.1:9"), key);
  assert.equal((await Keyring.open(dataDir, [])).list(OPERATOR).length, 1);
});

test("a credentials file that is lost is made up for by a new key", async (context) => {
  const dataDir = await directory(context);
  await (await Keyring.open(dataDir, [])).create({ name: "local", orgId: "default" });
  const credentials = new Credentials(join(dataDir, "credentials.json"));
  const keyring = await Keyring.open(dataDir, []);
  await provideLocalKey(keyring, credentials, URL_A, []);
  assert.ok(keyring.find((await credentials.read()).get(URL_A) ?? "") !== undefined);
});

test("a credentials file of others is kept, and one that is damaged is not overwritten", async (context) => {
  const dataDir = await directory(context);
  const credentials = new Credentials(join(dataDir, "credentials.json"));
  await writeFile(credentials.path, '{"https://elsewhere":{"apiKey":"theirs","note":"x"}}');
  const keyring = await Keyring.open(dataDir, []);
  await provideLocalKey(keyring, credentials, URL_A, []);
  assert.deepEqual(JSON.parse(await readFile(credentials.path, "utf8"))["https://elsewhere"], {
    apiKey: "theirs",
    note: "x",
  });
  await writeFile(credentials.path, '{"https://elsewhere": {"apiKey": "secret-text"');
  await assert.rejects(
    provideLocalKey(keyring, credentials, URL_A, []),
    (error: Error) => /not a JSON object/.test(error.message) && !error.message.includes("secret-text"),
  );
});

test("with configured keys no credentials are written", async (context) => {
  const dataDir = await directory(context);
  const credentials = new Credentials(join(dataDir, "credentials.json"));
  await provideLocalKey(await Keyring.open(dataDir, [CONFIGURED]), credentials, URL_A, [CONFIGURED]);
  assert.equal((await credentials.read()).size, 0);
});

test("an address that others can reach needs explicit keys", () => {
  const config = (host: string, apiKeys: SandglassConfig["apiKeys"]) =>
    ({ host, apiKeys }) as SandglassConfig;
  for (const host of ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"]) {
    assert.ok(isLoopback(host));
    checkBind(config(host, []));
  }
  for (const host of ["0.0.0.0", "::", "example.com", "127.0.0.1.example.com"]) {
    assert.ok(!isLoopback(host));
    assert.throws(
      () => checkBind(config(host, [])),
      (error: unknown) => error instanceof ConfigError && /SANDGLASS_API_KEYS/.test(error.message),
    );
    checkBind(config(host, [CONFIGURED]));
  }
  // It may be one that the kernel lends; where it is refused anyway, nobody makes keys for it first.
  assert.throws(() => checkBind(config("203.0.113.7", [])), /is no address of this machine; change --host/);
  checkBind(config("203.0.113.7", [CONFIGURED]));
});
