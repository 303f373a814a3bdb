import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { AttackedDaemon } from "./attacked-daemon.ts";

/** Of one sandbox at once, unless it is configured otherwise. */
const CONNECTIONS = 128;
/** Floods at once, each from a sandbox of its own. */
const AT_ONCE = 4;

describe("a sandbox that wears out connections", () => {
  let victim: AttackedDaemon;
  before(async () => {
    victim = await AttackedDaemon.start();
  });
  after(() => victim?.[Symbol.asyncDispose]());

  test("has a part of a thousand connections that drip on both ports, and may send again afterwards", async () => {
    const { report, refused } = await victim.withstands(() => victim.attackAnew("connections.py", "drip"));
    assert.deepEqual(report.opened, { 4317: 500, 4318: 500 });
    assert.ok(report.left[4317] + report.left[4318] <= CONNECTIONS, JSON.stringify(report.left));
    assert.ok(refused.connections! > 500, JSON.stringify(refused));
    assert.deepEqual(report.afterwards, [200, 0]);
  });

  test("is answered on a half that is still open, and leaves no trace of one that was reset", async () => {
    const { report, refused } = await victim.withstands(() =>
      victim.attackAnew("connections.py", "half-open"),
    );
    assert.equal(report["answered though half closed"], 200);
    assert.equal(refused.aborted, 16);
    assert.deepEqual(report.afterwards, [200, 0]);
  });

  test("may open and close, or reset, connections as fast as it likes", async () => {
    const { report } = await victim.withstands(() => victim.attackAnew("connections.py", "flood"));
    assert.ok(report.connections > 500, JSON.stringify(report));
    assert.deepEqual(report.afterwards, [200, 0]);
  });

  test("fills no memory with answers that it does not read", async () => {
    const { refused } = await victim.withstands(() => victim.attackAnew("connections.py", "pipeline"));
    assert.ok(refused.unsupported! > 0 && refused.malformed! > 0, JSON.stringify(refused));
    const { report } = await victim.withstands(() => victim.attackAnew("connections.py", "deaf"));
    assert.ok(report.calls > 100);
    assert.deepEqual(report.afterwards, [200, 0]);
  });

  test("is told where it speaks the wrong protocol, or nothing where it speaks none", async () => {
    const { report } = await victim.withstands(() => victim.attackAnew("connections.py", "wrong-protocol"));
    for (const name of ["HTTP/1 on 4317", "GET on 4317"])
      assert.match(report[name], /^HTTP\/1\.1 400 Bad Request\r\n/, name);
    // gRPC may come to the port that the environment names: it is answered with settings of HTTP/2.
    assert.match(report["HTTP/2 on 4318"], /^\0{2}.\x04/s);
    for (const name of ["TLS on 4317", "SSH on 4317", "HTTP/0.9"]) assert.equal(report[name], 0, name);
    assert.equal(report["SSH on 4318"], 400);
    assert.deepEqual(report.afterwards, [200, 0]);
  });

  test("ends its own connection with garbage, and is told by a status what is wrong with a call", async () => {
    const { report, refused } = await victim.withstands(() => victim.attackAnew("frames.py", "garbage"));
    for (const name of ["random bytes", "random frames"])
      for (const end of Object.keys(report[name]))
        assert.match(end, /^(GOAWAY|closed|ConnectionResetError)/, name);
    const { afterwards, ...others } = report;
    assert.equal(afterwards, 0);
    const codes = Object.fromEntries(
      [
        "message of 4 GiB",
        "message of 17 MiB",
        "compressed flag of 7",
        "two messages",
        "half a message",
        "not OTLP",
        "another service",
      ].map((name) => [name, others[name]]),
    );
    assert.deepEqual(codes, {
      "message of 4 GiB": 8,
      "message of 17 MiB": 8,
      "compressed flag of 7": 13,
      "two messages": 12,
      "half a message": 13,
      "not OTLP": 3,
      "another service": 12,
    });
    assert.ok(refused.malformed! > 0 && refused.too_large === 2, JSON.stringify(refused));
  });

  test("is cut off where it floods with frames: resets, pings, settings, headers without an end", async (t) => {
    const floods: string[] = await victim.attack("frames.py", "floods");
    assert.ok(floods.length >= 15);
    for (let at = 0; at < floods.length; at += AT_ONCE) {
      const names = floods.slice(at, at + AT_ONCE);
      const { report, refused } = await victim.withstands(() =>
        Promise.all(names.map((name) => victim.attackAnew("frames.py", name))),
      );
      for (const [index, ends] of report.entries()) assert.deepEqual(ends, { closed: 4 }, names[index]);
      assert.ok(sum(refused) >= names.length, JSON.stringify(refused));
      t.diagnostic(`${names.join(", ")}: refused ${JSON.stringify(refused)}`);
    }
  });
});

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
