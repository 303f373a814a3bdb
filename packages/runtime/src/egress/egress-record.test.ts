import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { EventDataMap } from "@sandglass/protocol";
import { callContext } from "@sandglass/testkit";
import { EgressRecord } from "./egress-record.ts";

type Said = Partial<EventDataMap["network.denied"] & EventDataMap["network.egress"]> & { type: string };

/** What waits to be told together is told when this time has passed. */
const FLUSH_MS = 5_000;
const cause = (execId: string) => ({ execId, context: callContext(), spanId: "0000000000000001" });
const refused = (host: string, reason = "not_allowed") => ({ host, port: 443, reason });
const sent = { port: 443, bytesIn: 10, bytesOut: 1e9, durationMs: 5 };

/** A record for which no time passes by itself, and whose log may be full. */
function recorded(context: TestContext): { record: EgressRecord; said: Said[]; log: { isFull: boolean } } {
  context.mock.timers.enable({ apis: ["setInterval"] });
  context.mock.method(performance, "now", () => 0);
  const said: Said[] = [];
  const log = { isFull: false };
  const record = new EgressRecord(async (type, data) => {
    if (log.isFull) throw new Error("the log is full");
    said.push({ type, ...data });
  });
  return { record, said, log };
}

const total = (said: readonly Said[]): number => said.reduce((sum, { count = 1 }) => sum + count, 0);

test("what was decided on keeps its destination and its exec, however much else there was", async (context) => {
  const { record, said } = recorded(context);
  for (let i = 0; i < 400; i++) record.tell("network.denied", refused(`junk${i}.example`), cause("exec_1"));
  for (let i = 0; i < 3; i++)
    record.tell("network.egress", { ...sent, host: "far.example" }, cause("exec_2"));
  await record.end();
  assert.equal(new Set(said.map(({ host }) => host)).size, 401);
  const letOut = said.filter(({ type }) => type === "network.egress");
  assert.deepEqual(letOut, [
    {
      type: "network.egress",
      ...sent,
      host: "far.example",
      execId: "exec_2",
      bytesIn: 30,
      bytesOut: 3e9,
      count: 3,
    },
  ]);
});

test("of what nobody decided on, a flood is told with its count, and without its destinations", async (context) => {
  const { record, said } = recorded(context);
  for (let i = 0; i < 1000; i++)
    record.tell("network.denied", refused(`junk${i}.example`, "rate_limited"), undefined);
  await record.end();
  assert.equal(total(said), 1000);
  assert.ok(said.length < 200, `${said.length} events`);
});

test("with a hundred things to tell, the next waits until they are told", async (context) => {
  const { record, said } = recorded(context);
  let told = 0;
  // Those that are told at once, and those that wait.
  for (; told < 50 || said.length === told; told++)
    record.tell("network.denied", refused(`a${told}.example`), undefined);
  for (let i = 1; i < 100; i++) {
    assert.equal(await record.hasRoom(), true);
    record.tell("network.denied", refused(`b${i}.example`), undefined);
  }
  let hasRoom: boolean | undefined;
  const waiting = record.hasRoom().then((has) => {
    hasRoom = has;
  });
  await new Promise<void>((resolve) => void setImmediate(resolve));
  assert.equal(hasRoom, undefined);
  context.mock.timers.tick(FLUSH_MS);
  await waiting;
  assert.equal(hasRoom, true);
  assert.equal(said.length, told + 99);
  await record.end();
});

test("what a full log did not take is told once when there is room, and meanwhile there is room for nothing else", async (context) => {
  const { record, said, log } = recorded(context);
  log.isFull = true;
  for (let i = 0; i < 150; i++) record.tell("network.denied", refused(`a${i}.example`), cause("exec_1"));
  await new Promise<void>((resolve) => void setImmediate(resolve));
  const waiting = record.hasRoom();
  context.mock.timers.tick(FLUSH_MS);
  assert.equal(await waiting, false);
  log.isFull = false;
  const again = record.hasRoom();
  context.mock.timers.tick(FLUSH_MS);
  assert.equal(await again, true);
  assert.deepEqual([said.length, new Set(said.map(({ host }) => host)).size], [150, 150]);
  await record.end();
  assert.equal(said.length, 150);
});
