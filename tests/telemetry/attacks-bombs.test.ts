import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "@sandglass/testkit";
import { AttackedDaemon } from "./attacked-daemon.ts";

const MIB = 1024 * 1024;
/** A connection that is closed over what it still sends is reset; which of them its sender sees is a matter of time. */
const CLOSED = ["closed", "ConnectionResetError", "BrokenPipeError"];

describe("a sandbox that sends more than it looks like", () => {
  let victim: AttackedDaemon;
  before(async () => {
    victim = await AttackedDaemon.start();
  });
  after(() => victim?.[Symbol.asyncDispose]());

  test("a megabyte that is a gigabyte is not inflated, over either protocol and however it is wrapped", async () => {
    const { report, refused } = await victim.withstands(() => victim.attack("bombs.py", "bombs"));
    const { bytes, ...statuses } = report;
    assert.ok(bytes > MIB);
    // What was inflated before counts as sent: a later one may be refused for the rate, before it is looked at.
    for (const later of ["members", "says it is small", "as JSON", "x-gzip", "cut", "small"])
      if (statuses[later] === 429) statuses[later] = 413;
    assert.deepEqual(statuses, {
      one: 413,
      members: 413,
      "says it is small": 413,
      "as JSON": 413,
      "in a bomb": 400,
      "said twice": 415,
      deflate: 415,
      br: 415,
      zstd: 415,
      compress: 415,
      "GZIP;q=1": 415,
      "gzip,identity": 415,
      "x-gzip": 413,
      cut: 413,
      "trailing garbage": 400,
      small: 413,
      gRPC: 8,
    });
    assert.ok(refused.too_large! + (refused.rate_limited ?? 0) >= 8, JSON.stringify(refused));
    assert.ok(refused.too_large! >= 3 && refused.unsupported === 7, JSON.stringify(refused));
  });

  test("a hundred and sixty of them at once neither", async () => {
    const { report, refused } = await victim.withstands(() => victim.attackAnew("bombs.py", "at-once"));
    for (const [name, statuses] of Object.entries(report))
      for (const status of Object.keys(statuses as object))
        assert.ok(["413", "429", "8", "0", ...CLOSED].includes(status), `${name}: ${status}`);
    assert.ok(sum(refused) > 0);
  });

  test("lengths that are wrong, bodies without an end and smuggled requests end with their connection", async () => {
    const { report, refused } = await victim.withstands(() => victim.attackAnew("bombs.py", "framing"));
    const { endless, "endless, byte by byte": byBytes, "shorter than said": short, ...others } = report;
    assert.equal(short, 0);
    for (const [name, status] of Object.entries(others))
      assert.ok([400, 413, 429, 431].includes(status as number), `${name}: ${status}`);
    for (const statuses of [endless, byBytes])
      for (const status of Object.keys(statuses)) assert.ok(["0", "413", "429"].includes(status), status);
    assert.ok(refused.malformed! > 20, JSON.stringify(refused));
  });

  test("values in values, and a million of nothing, are told apart from telemetry", async () => {
    const { report } = await victim.withstands(() => victim.attackAnew("bombs.py", "shapes"));
    const good = (name: string): boolean =>
      /^20 /.test(name) || ["JSON closed", "no key"].includes(name) || name.startsWith("a name of");
    for (const [name, status] of Object.entries(report)) {
      if (good(name)) assert.equal(status, 200, name);
      else assert.ok([400, 413].includes(status as number), `${name}: ${status}`);
    }
    await until("what was telemetry is there", () =>
      victim.sink.entries.some(({ names }) => names.includes("deep-no-key")),
    );
  });

  test("fifteen megabytes are taken as a span, and seven million attributes cost nobody else anything", async () => {
    const { report, refused } = await victim.withstands(() => victim.attackAnew("bombs.py", "sizes"));
    for (const [name, status] of Object.entries(report)) {
      if (name.endsWith("at once"))
        assert.deepEqual(
          Object.keys(status as object).filter((each) => !["200", "413", "429"].includes(each)),
          [],
        );
      else assert.equal(status, /^(17 MiB|spans|resources)$/.test(name) ? 413 : 200, name);
    }
    assert.ok(refused.rate_limited! > 0);
    const big = await until("the span of 15 MiB is there", () =>
      victim.sink.entries.find(({ names }) => names[0]?.startsWith("big-span")),
    );
    assert.ok(big.sizeBytes > 14.9 * MIB);
  });
});

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
