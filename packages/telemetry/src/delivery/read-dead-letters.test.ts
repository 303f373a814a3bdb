import assert from "node:assert/strict";
import { appendFile, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { DeadLetter } from "@sandglass/protocol";
import { DeadLetterFile } from "./dead-letters.ts";
import { LogEvent } from "./log-event.ts";
import { readDeadLetters } from "./read-dead-letters.ts";

async function place(context: TestContext) {
  const dataDir = await mkdtemp(join(tmpdir(), "sandglass-letters-"));
  context.after(() => rm(dataDir, { recursive: true }));
  const file = (name: string) => new DeadLetterFile(join(dataDir, "dead-letters", name), "x");
  return { dataDir, path: join(dataDir, "dead-letters", "x.jsonl"), file };
}

function letterOf(value: object): { event: LogEvent; reason: string } {
  return { event: new LogEvent(1, Buffer.from(JSON.stringify(value))), reason: "refused" };
}

function eventNamed(id: string, orgId = "default"): { event: LogEvent; reason: string } {
  return letterOf({ id, type: "agent.thinking", orgId, data: { text: "ä\n".repeat(10) } });
}

/** Letters are in the order of their times, which have milliseconds. */
async function nextMillisecond(): Promise<void> {
  const now = Date.now();
  while (Date.now() === now) await new Promise((resolve) => setImmediate(resolve));
}

/** All pages of so many. */
async function readAll(dataDir: string, limit: number, orgId?: string): Promise<DeadLetter[]> {
  const all: DeadLetter[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await readDeadLetters(dataDir, "x", { limit, cursor, orgId });
    assert.ok(page.items.length <= limit);
    all.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) return all;
  }
}

const namesOf = (letters: readonly DeadLetter[]) =>
  letters.map(({ event, telemetry }) => event?.id ?? telemetry?.signal);

test("pages have the latest first, each letter once, whatever their size", async (context) => {
  const { dataDir, file } = await place(context);
  assert.deepEqual(await readDeadLetters(dataDir, "x", { limit: 5 }), { items: [] });
  await file("x.jsonl").write(Array.from({ length: 9 }, (_, n) => eventNamed(`e${n}`)));
  const names = ["e8", "e7", "e6", "e5", "e4", "e3", "e2", "e1", "e0"];
  for (const limit of [1, 2, 9, 100]) assert.deepEqual(namesOf(await readAll(dataDir, limit)), names);
  const [first] = await readAll(dataDir, 1);
  assert.deepEqual([first?.reason, first?.event?.data], ["refused", { text: "ä\n".repeat(10) }]);
});

test("telemetry stands between events by its time, with its size and without its body", async (context) => {
  const { dataDir, file } = await place(context);
  await file("x.jsonl").write([eventNamed("e1")]);
  const head = { signal: "traces", items: 3, orgId: "default", sandboxId: "sbx_1", runId: "", receivedAt: 0 };
  const request = letterOf({ ...head, origin: "sandbox", body: Buffer.alloc(90).toString("base64") });
  await nextMillisecond();
  await file("x.telemetry.jsonl").write([request]);
  await nextMillisecond();
  await file("x.jsonl").write([eventNamed("e2")]);
  for (const limit of [1, 9])
    assert.deepEqual(namesOf(await readAll(dataDir, limit)), ["e2", "traces", "e1"]);
  const letter = (await readAll(dataDir, 9))[1];
  const receivedAt = "1970-01-01T00:00:00.000Z";
  assert.deepEqual(letter?.telemetry, { ...head, receivedAt, sizeBytes: 90 });
});

test("a page goes on where the last one ended when the file is put aside and written anew", async (context) => {
  const { dataDir, path, file } = await place(context);
  const letters = file("x.jsonl");
  await letters.write(Array.from({ length: 4 }, (_, n) => eventNamed(`old${n}`)));
  const before = await readDeadLetters(dataDir, "x", { limit: 1 });
  await rename(path, `${path}.1`);
  await letters.write([eventNamed("new")]);
  const { nextCursor: cursor } = before;
  const after = await readDeadLetters(dataDir, "x", { limit: 9, cursor });
  assert.deepEqual(namesOf([...before.items, ...after.items]), ["old3", "old2", "old1", "old0"]);
  assert.deepEqual(namesOf(await readAll(dataDir, 2)), ["new", "old3", "old2", "old1", "old0"]);
});

test("lines that were blanked or cut off are left out, and one that is still written waits", async (context) => {
  const { dataDir, path, file } = await place(context);
  const letters = file("x.jsonl");
  await letters.write([eventNamed("a")]);
  await appendFile(path, `${" ".repeat(70_000)}\n\nnull\n{"deadAt":"x"}\n{"deadAt":"2026-01-01T0`);
  await letters.write([eventNamed("b")]);
  await appendFile(path, '{"deadAt":"2026-01-01T00:00:00.000Z","reason":"half');
  assert.deepEqual(namesOf(await readAll(dataDir, 1)), ["b", "a"]);
});

test("a page that has read its share ends early, and nothing is lost behind it", async (context) => {
  const { dataDir, file } = await place(context);
  const big = "x".repeat(700_000);
  const data = { text: big };
  await file("x.jsonl").write(
    ["e0", "e1", "e2"].map((id) => letterOf({ id, type: "agent.thinking", orgId: "default", data })),
  );
  assert.ok((await readDeadLetters(dataDir, "x", { limit: 100 })).items.length < 3);
  assert.deepEqual(namesOf(await readAll(dataDir, 100)), ["e2", "e1", "e0"]);
});

test("an organisation reads no letter that is not its own, and a cursor of another list is refused", async (context) => {
  const { dataDir, file } = await place(context);
  await file("x.jsonl").write([eventNamed("a", "acme"), eventNamed("b"), letterOf({ id: "c", type: "t" })]);
  assert.deepEqual(namesOf(await readAll(dataDir, 9, "acme")), ["a"]);
  assert.equal((await readAll(dataDir, 9)).length, 3);
  for (const cursor of ["x", Buffer.from("1:2").toString("base64url")])
    await assert.rejects(readDeadLetters(dataDir, "x", { limit: 1, cursor }), { code: "INVALID_CURSOR" });
});
