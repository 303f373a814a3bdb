import assert from "node:assert/strict";
import { test } from "node:test";
import { createClientAddresses } from "./client-address.ts";

function addressOf(peer: string, forwarded: string | undefined, ...trusted: string[]): string {
  const headers = { ...(forwarded !== undefined && { "x-forwarded-for": forwarded }) };
  const request = { socket: { remoteAddress: peer }, headers };
  return createClientAddresses(trusted).of(
    request as unknown as Parameters<ReturnType<typeof createClientAddresses>["of"]>[0],
  );
}

test("without trusted proxies a client is who its connection says, whatever it forwards", () => {
  assert.equal(addressOf("192.0.2.1", "10.0.0.1"), "192.0.2.1");
  assert.equal(addressOf("::ffff:192.0.2.1", undefined), "192.0.2.1");
  assert.equal(addressOf("192.0.2.1", "10.0.0.1", "192.0.2.2", "10.0.0.0/8"), "192.0.2.1");
});

test("behind trusted proxies it is the nearest hop that is none of them", () => {
  const proxies = ["10.0.0.0/8", "::1"];
  assert.equal(addressOf("10.0.0.1", "198.51.100.7", ...proxies), "198.51.100.7");
  assert.equal(addressOf("10.0.0.1", "6.6.6.6, 198.51.100.7, 10.0.0.9", ...proxies), "198.51.100.7");
  assert.equal(addressOf("::1", "198.51.100.7:4711", ...proxies), "198.51.100.7");
  assert.equal(addressOf("::ffff:10.0.0.1", "[2001:db8::7]", ...proxies), "2001:db8::7");
  assert.equal(addressOf("10.0.0.1", "10.0.0.2", ...proxies), "10.0.0.2");
});

test("what is no address ends the chain where it is", () => {
  for (const forwarded of ["unknown", "", ", ,", "6.6.6.6, unknown", "__proto__", "x".repeat(10_000)])
    assert.equal(addressOf("10.0.0.1", forwarded, "10.0.0.0/8"), "10.0.0.1", forwarded.slice(0, 20));
  assert.equal(addressOf("10.0.0.1", `${"6.6.6.6, ".repeat(10_000)}10.0.0.3`, "10.0.0.0/8"), "6.6.6.6");
});
