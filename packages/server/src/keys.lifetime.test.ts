import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mock, type TestContext, test } from "node:test";
import type { Caller } from "./caller.ts";
import { Keyring, type KeyUse } from "./keys.ts";

const OPERATOR: Caller = { orgId: "default", scopes: ["admin"] };
const HOUR_MS = 3_600_000;
const NOW = Date.parse("2030-01-01T00:00:30Z");
const MINUTE = "2030-01-01T00:00:00.000Z";

/** A keyring in a world whose clock the test turns. */
async function begin(context: TestContext): Promise<{ dataDir: string; keyring: Keyring }> {
  const dataDir = await mkdtemp(join(tmpdir(), "sandglass-keys-"));
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: NOW });
  const keyring = await Keyring.open(dataDir, []);
  context.after(async () => {
    await keyring.close();
    mock.timers.reset();
    await rm(dataDir, { recursive: true });
  });
  return { dataDir, keyring };
}

function useOf(keyring: Keyring, secret: string): KeyUse {
  const use = keyring.find(secret);
  assert.ok(use !== undefined);
  return use;
}

test("a rotated key has a new secret under its id; the old one ends at once, and what it began is cut", async (context) => {
  const { dataDir, keyring } = await begin(context);
  const made = await keyring.create({ name: "ci", orgId: "default" });
  let cuts = 0;
  keyring.hold(useOf(keyring, made.key), () => cuts++);
  const rotated = await keyring.rotate(made.id, 0, OPERATOR);
  assert.equal(rotated.id, made.id);
  assert.notEqual(rotated.key, made.key);
  assert.deepEqual([keyring.find(made.key), cuts], [undefined, 1]);
  assert.equal(useOf(keyring, rotated.key).key.id, made.id);
  const again = await Keyring.open(dataDir, []);
  assert.equal(again.find(made.key), undefined);
  assert.equal(useOf(again, rotated.key).key.id, made.id);
});

test("with a time of grace both secrets work, and the old one ends with it, also across a restart", async (context) => {
  const { dataDir, keyring } = await begin(context);
  const made = await keyring.create({ name: "ci", orgId: "default" });
  const rotated = await keyring.rotate(made.id, HOUR_MS, OPERATOR);
  assert.equal(rotated.graceUntil, new Date(NOW + HOUR_MS).toISOString());
  const again = await Keyring.open(dataDir, []);
  for (const ring of [keyring, again])
    for (const secret of [made.key, rotated.key]) assert.equal(useOf(ring, secret).key.id, made.id);
  let cuts = 0;
  keyring.hold(useOf(keyring, made.key), () => cuts++);
  keyring.hold(useOf(keyring, rotated.key), () => assert.fail("the new secret goes on"));
  mock.timers.tick(HOUR_MS - 1);
  assert.equal(cuts, 0);
  mock.timers.tick(1);
  assert.equal(cuts, 1);
  for (const ring of [keyring, again]) {
    assert.equal(ring.find(made.key), undefined);
    assert.equal(useOf(ring, rotated.key).key.graceUntil, undefined);
  }
});

test("a second rotation ends the secret from before the first, whatever its grace", async (context) => {
  const { keyring } = await begin(context);
  const first = await keyring.create({ name: "ci", orgId: "default" });
  const second = await keyring.rotate(first.id, HOUR_MS, OPERATOR);
  const third = await keyring.rotate(first.id, HOUR_MS, OPERATOR);
  assert.equal(keyring.find(first.key), undefined);
  for (const { key } of [second, third]) assert.ok(keyring.find(key) !== undefined);
  await keyring.revoke(first.id, OPERATOR);
  for (const { key } of [first, second, third]) assert.equal(keyring.find(key), undefined);
});

test("a key works until it expires, which also cuts what it began and stays in the list", async (context) => {
  const { keyring } = await begin(context);
  const expiresAt = new Date(NOW + 40 * 24 * HOUR_MS).toISOString();
  const { id, key } = await keyring.create({ name: "guest", orgId: "default", expiresAt });
  let cuts = 0;
  keyring.hold(useOf(keyring, key), () => cuts++);
  mock.timers.tick(39 * 24 * HOUR_MS);
  assert.equal(useOf(keyring, key).key.expiresAt, expiresAt);
  mock.timers.tick(24 * HOUR_MS);
  assert.deepEqual([keyring.find(key), cuts], [undefined, 1]);
  assert.equal(keyring.list(OPERATOR)[0]?.id, id);
});

test("what begins with a key that has ended meanwhile is cut at once, and what ended by itself is not", async (context) => {
  const { keyring } = await begin(context);
  const { id, key } = await keyring.create({ name: "ci", orgId: "default" });
  const use = useOf(keyring, key);
  keyring.hold(use, () => assert.fail("it had ended by itself"))();
  await keyring.revoke(id, OPERATOR);
  let cuts = 0;
  keyring.hold(use, () => cuts++);
  assert.equal(cuts, 1);
});

test("the last use is known to the minute, and written down now and then and at the end", async (context) => {
  const { dataDir, keyring } = await begin(context);
  const { key } = await keyring.create({ name: "ci", orgId: "default" });
  const file = join(dataDir, "keys.json");
  const before = await readFile(file, "utf8");
  for (let count = 0; count < 100; count++) useOf(keyring, key);
  assert.equal(keyring.list(OPERATOR)[0]?.lastUsedAt, MINUTE);
  assert.equal(await readFile(file, "utf8"), before);
  await keyring.close();
  const again = await Keyring.open(dataDir, []);
  assert.equal(again.list(OPERATOR)[0]?.lastUsedAt, MINUTE);
  mock.timers.tick(61_000);
  assert.equal(useOf(again, key).key.lastUsedAt, "2030-01-01T00:01:00.000Z");
  await again.close();
});

test("a change that cannot be written down changes nothing", async (context) => {
  const { dataDir, keyring } = await begin(context);
  const made = await keyring.create({ name: "ci", orgId: "default" });
  await rm(dataDir, { recursive: true });
  await writeFile(dataDir, "");
  await assert.rejects(keyring.rotate(made.id, 0, OPERATOR));
  assert.equal(useOf(keyring, made.key).key.id, made.id);
  await assert.rejects(keyring.create({ name: "other", orgId: "default" }));
  assert.deepEqual(
    keyring.list(OPERATOR).map(({ name }) => name),
    ["ci"],
  );
  mock.timers.reset();
  await rm(dataDir);
  await mkdir(dataDir);
});
