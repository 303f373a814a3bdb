import assert from "node:assert/strict";
import dns from "node:dns";
import { describe, test } from "node:test";
import { isNonPublicHost, publicLookup } from "./public-address.ts";

test("a URL's host that is a number or a name of this machine says so by itself", () => {
  const hosts = [
    "http://127.1",
    "http://0x7f000001",
    "http://017700000001",
    "http://2130706433",
    "http://[::ffff:7f00:1]",
  ];
  const names = ["http://LOCALHOST", "http://localhost.", "http://some.localhost:80", "http://127.0.0.1."];
  for (const url of [...hosts, ...names]) assert.equal(isNonPublicHost(new URL(url).hostname), true, url);
  for (const url of ["http://example.org", "http://localhost.example", "http://8.8.8.8"])
    assert.equal(isNonPublicHost(new URL(url).hostname), false, url);
});

describe("the lookup of public addresses", () => {
  const lookUp = (options: object) =>
    new Promise<unknown[]>((resolve, reject) =>
      publicLookup("some.example", options, (error, ...found) => (error ? reject(error) : resolve(found))),
    );
  const answering = (addresses: readonly dns.LookupAddress[] | Error) =>
    ((_host: string, _options: object, done: (error: Error | null, found: unknown) => void) =>
      addresses instanceof Error ? done(addresses, undefined) : done(null, addresses)) as typeof dns.lookup;

  test("hands on all addresses or the first, as it is asked", async (t) => {
    const addresses = [
      { address: "8.8.8.8", family: 4 },
      { address: "2606:4700::1111", family: 6 },
    ];
    t.mock.method(dns, "lookup", answering(addresses));
    assert.deepEqual(await lookUp({ all: true }), [addresses]);
    assert.deepEqual(await lookUp({}), ["8.8.8.8", 4]);
  });

  test("hands on the error of DNS", async (t) => {
    t.mock.method(dns, "lookup", answering(Object.assign(new Error("no such host"), { code: "ENOTFOUND" })));
    await assert.rejects(lookUp({ all: true }), { code: "ENOTFOUND" });
  });

  test("refuses a name of which one address is not public, without saying which address that is", async (t) => {
    t.mock.method(
      dns,
      "lookup",
      answering([
        { address: "8.8.8.8", family: 4 },
        { address: "fd00::7", family: 6 },
      ]),
    );
    await assert.rejects(lookUp({ all: true }), (error: Error) => {
      assert.match(error.message, /^some\.example is or leads to/);
      assert.doesNotMatch(error.message, /fd00/);
      return true;
    });
  });
});
