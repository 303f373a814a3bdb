import assert from "node:assert/strict";
import { test } from "node:test";
import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { RecentMessages } from "./recent-messages.ts";

const message = (said: string): JSONRPCMessage => ({ jsonrpc: "2.0", method: "m", params: { said } });

async function replayed(store: RecentMessages, after: string): Promise<unknown[]> {
  const sent: unknown[] = [];
  await store.replayEventsAfter(after, {
    send: async (_, one) => {
      sent.push((one as unknown as { params: { said: string } }).params.said);
    },
  });
  return sent;
}

test("a client that comes back gets what it missed of its own stream, and of no other", async () => {
  const store = new RecentMessages();
  const first = await store.storeEvent("a", message("a1"));
  await store.storeEvent("b", message("b1"));
  const last = await store.storeEvent("a", message("a2"));
  assert.deepEqual(await replayed(store, first), ["a2"]);
  assert.deepEqual(await replayed(store, last), []);
  assert.deepEqual(await replayed(store, "a_99"), []);
  assert.equal(await store.getStreamIdForEventId(first), "a");
});

test("the oldest go where there are too many, or they are too large", async () => {
  const many = new RecentMessages();
  const first = await many.storeEvent("a", message("1"));
  for (let n = 0; n < 1000; n += 1) await many.storeEvent("a", message("x"));
  assert.equal(await many.getStreamIdForEventId(first), undefined);
  const large = new RecentMessages();
  const old = await large.storeEvent("a", message("x".repeat(3_000_000)));
  const kept = await large.storeEvent("a", message("x".repeat(3_000_000)));
  assert.equal(await large.getStreamIdForEventId(old), undefined);
  assert.equal(await large.getStreamIdForEventId(kept), "a");
});
