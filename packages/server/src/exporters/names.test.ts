import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Scope } from "@sandglass/protocol";
import { Sandglass } from "../sandglass.ts";
import { ExporterAccess } from "./exporter-access.ts";

const NO_POOL = { pool: { python: 0 } };
const OPERATOR = { origin: "api", isTrusted: true } as const;

async function directory(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "sandglass-names-"));
  context.after(() => rm(path, { recursive: true }));
  return path;
}

test("an exporter without an id never takes the name, and the place, of one that is kept", async (context) => {
  const dataDir = await directory(context);
  const jsonl = (name: string) => ({ provider: "jsonl", config: { filePath: join(dataDir, name) } }) as const;
  const first = await Sandglass.start({ dataDir, ...NO_POOL });
  assert.equal((await first.observability.keep(jsonl("kept"), OPERATOR)).id, "jsonl");
  await first.stop();
  await using second = await Sandglass.start({ dataDir, ...NO_POOL, observability: jsonl("configured") });
  const named = second.observability.list().map(({ id, origin, state }) => `${id} ${origin} ${state}`);
  assert.deepEqual(named.sort(), ["jsonl api running", "jsonl-2 config running"]);
});

test("one that is kept and cannot be started keeps its name", async (context) => {
  const dataDir = await directory(context);
  const url = { env: "SANDGLASS_TEST_HOOK" };
  const spec = { provider: "webhook", config: { url, secret: `whsec_${"A".repeat(32)}` } };
  process.env.SANDGLASS_TEST_HOOK = "http://127.0.0.1:9";
  const first = await Sandglass.start({ dataDir, ...NO_POOL });
  assert.equal((await first.observability.keep(spec, OPERATOR)).id, "webhook");
  await first.stop(200);
  delete process.env.SANDGLASS_TEST_HOOK;
  const second = await Sandglass.start({ dataDir, ...NO_POOL });
  assert.match(second.observability.get("webhook").lastError?.message ?? "", /could not be started/);
  const other = { ...spec, config: { ...spec.config, url: "http://127.0.0.1:9" } };
  assert.equal((await second.observability.keep(other, OPERATOR)).id, "webhook-2");
  assert.match(second.observability.get("webhook").lastError?.message ?? "", /could not be started/);
  await second.stop(200);
});

test("no id of one organisation reads as an id of another", async (context) => {
  const dataDir = await directory(context);
  await using sandglass = await Sandglass.start({ dataDir, ...NO_POOL });
  const access = new ExporterAccess(sandglass.observability);
  const spec = {
    provider: "webhook",
    config: { url: "https://hooks.example.com/in", secret: `whsec_${"A".repeat(32)}` },
  };
  const [short, long] = [
    { orgId: "alpha", scopes: ["admin"] as Scope[] },
    { orgId: "alpha.x", scopes: ["admin"] as Scope[] },
  ];
  assert.equal((await access.add(short, { ...spec, id: "x.mine" })).id, "x.mine");
  assert.equal((await access.add(long, { ...spec, id: "mine" })).id, "mine");
  assert.deepEqual(
    access.list(long).map(({ id }) => id),
    ["mine"],
  );
});
