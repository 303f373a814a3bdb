import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { SandglassError } from "@sandglass/protocol";
import { temporaryDirectory } from "../../log/testing/test-log.ts";
import { type AcquireOptions, DestinationStore, type StoreContext } from "./destination-store.ts";

const SECRET = "tok-nobody-knows";
const ENV = {
  OTEL_EXPORTER_OTLP_ENDPOINT: "https://otlp.example.com",
  OTEL_EXPORTER_OTLP_HEADERS: `api-key=${SECRET}`,
};

interface Opened {
  store: DestinationStore;
  dir: string;
  problems: string[];
  acquire(sandboxId: string, more?: Partial<AcquireOptions>): Promise<{ id: string }>;
}

async function open(
  t: TestContext,
  dir: string = join(temporaryDirectory(t), "otel-destinations"),
  more: Partial<StoreContext> = {},
): Promise<Opened> {
  const problems: string[] = [];
  const onProblem = (message: string) => problems.push(message);
  const store = await DestinationStore.open(dir, { cwd: "/", ownOrigins: [], onProblem, ...more });
  const acquire: Opened["acquire"] = (sandboxId, options) =>
    store.acquire({ sandboxId, orgId: "acme", env: ENV, isTrusted: false, ...options });
  return { store, dir, problems, acquire };
}

function filesIn(dir: string): string[] {
  return readdirSync(dir).filter((name) => name.endsWith(".json"));
}

describe("a destination", () => {
  test("is a private file in a private directory, with a name that says nothing", async (t) => {
    const { dir, acquire } = await open(t);
    const { id } = await acquire("sbx_1");
    assert.match(id, /^dst_[0-9a-f]{32}$/);
    assert.deepEqual(filesIn(dir), [`${id}.json`]);
    assert.equal(statSync(dir).mode & 0o777, 0o700);
    for (const name of readdirSync(dir)) assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600, name);
    assert.ok(readFileSync(join(dir, `${id}.json`), "utf8").includes(SECRET));
  });

  test("makes a directory private that was not", async (t) => {
    const dir = join(temporaryDirectory(t), "otel-destinations");
    mkdirSync(dir, { mode: 0o755 });
    await open(t, dir);
    assert.equal(statSync(dir).mode & 0o777, 0o700);
  });

  test("is shared by an organisation's sandboxes with the same settings, and by nobody else", async (t) => {
    const { dir, acquire } = await open(t);
    const many = await Promise.all(Array.from({ length: 500 }, (_, index) => acquire(`sbx_${index}`)));
    assert.equal(new Set(many.map(({ id }) => id)).size, 1);
    const other = await acquire("sbx_a", { orgId: "other" });
    const trusted = await acquire("sbx_b", { isTrusted: true });
    const token = { ...ENV, OTEL_EXPORTER_OTLP_HEADERS: "api-key=another" };
    const changed = await acquire("sbx_c", { env: token });
    assert.equal(new Set([many[0]!.id, other.id, trusted.id, changed.id]).size, 4);
    assert.equal(filesIn(dir).length, 4);
  });

  test("has an id that differs from one data directory to the next", async (t) => {
    const [one, two] = [await open(t), await open(t)];
    assert.notEqual((await one.acquire("sbx_1")).id, (await two.acquire("sbx_1")).id);
  });

  test("that is refused leaves nothing behind", async (t) => {
    const { dir, acquire, store } = await open(t);
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" };
    await assert.rejects(acquire("sbx_1", { env }), (error) => {
      assert.ok(error instanceof SandglassError && error.code === "INVALID_REQUEST");
      assert.match(error.message, /OTEL_EXPORTER_OTLP_ENDPOINT/);
      return true;
    });
    assert.deepEqual([filesIn(dir), store.all()], [[], []]);
  });

  test("is one of a limited number for an organisation", async (t) => {
    const { acquire } = await open(t, undefined, { maxPerOrg: 2 });
    const at = (host: string) => ({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: `https://${host}.example.com` } });
    await acquire("sbx_1", at("a"));
    await acquire("sbx_2", at("b"));
    await acquire("sbx_3", at("b"));
    await acquire("sbx_4", { ...at("c"), orgId: "other" });
    await assert.rejects(
      acquire("sbx_5", at("c")),
      (error) => error instanceof SandglassError && error.code === "EXPORTER_LIMIT_REACHED",
    );
  });
});

describe("the file of a destination", () => {
  test("goes when its last sandbox has ended and everything up to there is delivered, in either order", async (t) => {
    const { store, dir, acquire } = await open(t);
    const { id } = await acquire("sbx_1");
    await acquire("sbx_2");
    await store.end("sbx_1", 10);
    assert.equal(store.settled(id, 20), false);
    await store.end("sbx_2", 30);
    assert.equal(store.settled(id, 29), false);
    assert.equal(filesIn(dir).length, 1);
    assert.equal(store.settled(id, 30), true);
    await store.flush();
    assert.deepEqual([filesIn(dir), store.all(), store.find(id)], [[], [], undefined]);

    await acquire("sbx_3");
    store.settled(id, 50);
    await store.end("sbx_3", 40);
    assert.deepEqual(filesIn(dir), []);
  });

  test("stays where a sandbox comes before everything is delivered, and comes back under the same name", async (t) => {
    const { store, dir, acquire } = await open(t);
    const { id } = await acquire("sbx_1");
    await store.end("sbx_1", 10);
    assert.deepEqual(await acquire("sbx_2"), { id });
    assert.equal(store.settled(id, 10), false);
    await store.end("sbx_2", 20);
    // Asked for while its file is on its way out.
    assert.equal(store.settled(id, 20), true);
    assert.deepEqual(await acquire("sbx_3"), { id });
    await store.flush();
    assert.deepEqual(filesIn(dir), [`${id}.json`]);
  });

  test("outlives a restart, and what it is owed is known once it is said where the log ends", async (t) => {
    const before = await open(t);
    const [{ id: ended }, { id: live }] = [
      await before.acquire("sbx_1"),
      await before.acquire("sbx_2", { orgId: "b" }),
    ];
    await before.store.end("sbx_1", 10);

    const { store, dir, acquire } = await open(t, before.dir);
    assert.deepEqual(
      store
        .all()
        .map(({ id }) => id)
        .sort(),
      [ended, live].sort(),
    );
    assert.deepEqual(store.find(live)?.settings, before.store.find(live)?.settings);
    // Until then nobody knows whether a sandbox used it again.
    assert.deepEqual([store.settled(ended, 10), store.settled(live, 10)], [false, false]);
    assert.equal(store.giveUp(ended), false);
    assert.deepEqual(await acquire("sbx_3", { orgId: "b" }), { id: live });
    await store.endAll(40);
    assert.deepEqual([store.settled(ended, 39), store.settled(ended, 40)], [false, true]);
    assert.equal(store.settled(live, 40), false);
    await store.end("sbx_3", 50);
    assert.equal(store.settled(live, 50), true);
    await store.flush();
    assert.deepEqual(filesIn(dir), []);
  });

  test("is not touched where it is damaged, which is said without what is in it", async (t) => {
    const before = await open(t);
    const { id } = await before.acquire("sbx_1");
    writeFileSync(join(before.dir, `${id}.json`), `{"settings": "${SECRET}`);
    writeFileSync(join(before.dir, `${id}.json.tmp`), SECRET);
    const { store, problems } = await open(t, before.dir);
    assert.deepEqual(store.all(), []);
    assert.equal(problems.length, 1);
    assert.ok(problems[0]!.includes(id) && !problems[0]!.includes(SECRET), problems[0]);
    assert.ok(existsSync(join(before.dir, `${id}.json`)));
    assert.ok(!existsSync(join(before.dir, `${id}.json.tmp`)), "what a crash cut short holds secrets too");
  });
});

test("what cannot be read keeps no destination from being known, and is told", async (t) => {
  const before = await open(t);
  const { id } = await before.acquire("sbx_1");
  const { id: locked } = await before.acquire("sbx_2", { orgId: "b" });
  const broken = join(before.dir, `${locked}.json`);
  rmSync(broken);
  mkdirSync(broken);
  mkdirSync(join(before.dir, "x.tmp"));
  const { store, problems } = await open(t, before.dir);
  assert.deepEqual(
    store.all().map((destination) => destination.id),
    [id],
  );
  assert.equal(problems.length, 2);
  assert.ok(problems.some((problem) => problem.includes(locked) && problem.includes("EISDIR")));
  assert.ok(existsSync(broken));
});

test("a destination that is given up is forgotten, unless a sandbox uses it", async (t) => {
  const { store, dir, acquire } = await open(t);
  const { id } = await acquire("sbx_1");
  assert.equal(store.giveUp(id), false);
  await store.end("sbx_1", 10);
  assert.equal(store.giveUp(id), true);
  await store.flush();
  assert.deepEqual([filesIn(dir), store.all()], [[], []]);
});
