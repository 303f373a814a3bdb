import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { SubordinateIds } from "./subordinate-ids.ts";

/** Beyond what anybody is given; of this process's own, so that tests beside it have others; where a claim begins. */
const FIRST = 3_000_000_000 + process.pid * 1_024;

async function taken(ids: SubordinateIds, count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, () => ids.take()));
}

test("two who have the same ids hand out each of them once, and the last of them says so", async (t) => {
  const all = [
    new SubordinateIds({ first: FIRST, count: 300 }),
    new SubordinateIds({ first: FIRST, count: 300 }),
  ];
  t.after(() => {
    for (const ids of all) ids.close();
  });
  const [one = [], two = []] = await Promise.all(all.map((ids) => taken(ids, 100)));
  const handedOut = new Set([...one, ...two]);
  assert.equal(handedOut.size, 200);
  assert.ok(Math.min(...handedOut) >= 1 && Math.max(...handedOut) <= 300);
  const exhausted = { code: "DRIVER_ERROR", message: /all 300 subordinate ids are in use/ };
  await assert.rejects(taken(all[0] as SubordinateIds, 200), exhausted);
});

test("blocks that overlap without being the same share none either", async (t) => {
  const [one, two] = [
    new SubordinateIds({ first: FIRST, count: 100 }),
    new SubordinateIds({ first: FIRST + 30, count: 500 }),
  ];
  t.after(() => {
    for (const ids of [one, two]) ids.close();
  });
  const onHost = (ids: number[], first: number): number[] => ids.map((id) => first + id - 1);
  const ofOne = onHost(await taken(one, 80), FIRST);
  const ofTwo = onHost(await taken(two, 80), FIRST + 30);
  assert.equal(new Set([...ofOne, ...ofTwo]).size, 160);
});

test("what is given back comes again last, and what a killed process or a closed one had is free", async (t) => {
  const program = `
import { SubordinateIds } from ${JSON.stringify(new URL("subordinate-ids.ts", import.meta.url).href)};
await new SubordinateIds({ first: ${FIRST}, count: 64 }).take();
console.log("has them");
setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => other.kill("SIGKILL"));
  await once(other.stdout, "data");
  const ids = new SubordinateIds({ first: FIRST, count: 64 });
  t.after(() => ids.close());
  await assert.rejects(ids.take(), { code: "DRIVER_ERROR" });
  other.kill("SIGKILL");
  await once(other, "exit");
  assert.equal(await ids.take(), 1);
  ids.release(1);
  assert.equal(await ids.take(), 2);
  ids.close();
  const next = new SubordinateIds({ first: FIRST, count: 64 });
  t.after(() => next.close());
  assert.equal(await next.take(), 1);
});
