import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { callHttp, type HttpCall, jsonLines, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { expectRefusal } from "./expect-refusal.ts";
import { RawConnection } from "./raw-connection.ts";

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon({
    apiKeys: ["operator-0123456789abc", "busy:busy-0123456789abcdef@busy"],
    args: [
      ...["--pool", "python=0", "--trusted-proxies", "127.0.0.1"],
      ...["--limits-requests-per-second", "40", "--limits-failed-auth-per-minute", "5"],
      ...["--limits-connections", "20", "--limits-keyless-events-per-second", "3"],
    ],
  });
});
after(() => daemon.stop());

const BUSY = "busy-0123456789abcdef";
/** Refused, and why. */
async function refusal(line: string, call: HttpCall = {}): Promise<string> {
  const answer = await callHttp(daemon, line, call);
  return expectRefusal(answer, line);
}
const from = (address: string) => ({ "x-forwarded-for": address });

test("a key that asks too often is told when to come again, and no other key notices", async () => {
  const connection = await RawConnection.open(daemon.url);
  const asked = `GET /v1/sandboxes HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${BUSY}\r\n\r\n`;
  const began = performance.now();
  const text = await connection.say(asked.repeat(60)).closed();
  const answered = text.match(/HTTP\/1\.1 200 OK/g)?.length ?? 0;
  // What has come back to it meanwhile is its own too.
  const most = 40 + Math.ceil((40 * (performance.now() - began)) / 1000);
  assert.ok(answered >= 40 && answered <= most, `${answered} of ${most}`);
  assert.match(text, /HTTP\/1\.1 429 .*retry-after: 1\r\n.*"code":"RATE_LIMITED"/is);
  assert.equal((await callHttp(daemon, "GET /v1/sandboxes")).status, 200);
});

test("an address with too many wrong keys is refused as such, one behind the same proxy is not, and a right key is let in", async () => {
  const wrong = (address: string) =>
    refusal("GET /v1/sandboxes", { apiKey: "wrong", headers: from(address) });
  for (let count = 0; count < 5; count++) assert.equal(await wrong("192.0.2.1"), "UNAUTHORIZED");
  assert.equal(await wrong("192.0.2.1"), "RATE_LIMITED");
  // What a client writes there itself stands left of what the proxy adds.
  assert.equal(await wrong("192.0.2.99, 192.0.2.1"), "RATE_LIMITED");
  assert.equal(await wrong("192.0.2.2"), "UNAUTHORIZED");
  // One subscriber has a whole /64 of IPv6, however its addresses are written.
  const network = ["2001:db8::1", "2001:DB8:0:0:ffff::2", "2001:0db8::3", "[2001:db8::4]", "2001:db8::5:6"];
  for (const address of network) assert.equal(await wrong(address), "UNAUTHORIZED", address);
  assert.equal(await wrong("2001:db8:0000::7:8"), "RATE_LIMITED");
  assert.equal(await wrong("2001:db8:0:1::1"), "UNAUTHORIZED");
  assert.equal((await callHttp(daemon, "GET /v1/sandboxes", { headers: from("192.0.2.1") })).status, 200);
});

test("requests without a key do not fill the record", async () => {
  for (let count = 0; count < 40; count++) await refusal(`GET /nothing-${count}`, { apiKey: "" });
  const { text } = await callHttp(daemon, "GET /v1/events?types=http.request");
  const kept = jsonLines(text).filter(({ data }) => data.path.startsWith("/nothing-"));
  assert.ok(kept.length < 30, String(kept.length));
  await until("the log says so", () => /faster than limits\.keylessEventsPerSecond/.test(daemon.logs()));
});

test("connections beyond the limit are told so, and the next one is served when one has gone", async () => {
  const held = await Promise.all(Array.from({ length: 20 }, () => RawConnection.open(daemon.url)));
  const extra = await RawConnection.open(daemon.url);
  extra.say("GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
  assert.match(await extra.closed(), /^HTTP\/1\.1 429 .*"CONNECTION_LIMIT_REACHED".*limits\.connections/s);
  for (const { socket } of held) socket.destroy();
  await Promise.all(held.map((connection) => connection.closed()));
  assert.equal((await callHttp(daemon, "GET /healthz")).status, 200);
});

test("a body that inflates is not taken, of whatever kind", async () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  for (const encoding of ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x"]) {
    const headers = { "content-encoding": encoding, "content-type": "application/json" };
    assert.equal(await refusal("POST /v1/runs", { body: bomb, headers }), "UNSUPPORTED_MEDIA_TYPE", encoding);
    const upload = { body: bomb, headers: { "content-encoding": encoding } };
    assert.equal(
      await refusal("PUT /v1/sandboxes/sbx_x/files/a", upload),
      "UNSUPPORTED_MEDIA_TYPE",
      encoding,
    );
  }
});

test("headers too many or too long, and JSON too deep or too large, are refused by name", async () => {
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`x-${index}`, "1"]));
  assert.equal(await refusal("GET /v1/sandboxes", { headers: many }), "HEADERS_TOO_LARGE");
  const connection = await RawConnection.open(daemon.url);
  connection.say(`GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: ${"x".repeat(20_000)}\r\n\r\n`);
  assert.match(await connection.closed(), /^HTTP\/1\.1 431 .*"HEADERS_TOO_LARGE"/s);
  const deep = (levels: number) => `{"name":"x","metadata":${"[".repeat(levels)}${"]".repeat(levels)}}`;
  const headers = { "content-type": "application/json" };
  for (const levels of [100, 100_000, 5_000_000]) {
    const answer = await callHttp(daemon, "POST /v1/runs", { body: deep(levels), headers });
    assert.match(answer.json.error.message, /100 levels deep/);
  }
  const large = `{"name":"${"x".repeat(17_000_000)}"}`;
  assert.equal(await refusal("POST /v1/runs", { body: large, headers }), "PAYLOAD_TOO_LARGE");
});
