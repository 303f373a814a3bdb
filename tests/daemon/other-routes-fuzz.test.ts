import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { callHttp, type HttpAnswer } from "@sandglass/testkit";
import fc from "fast-check";
import { hostileJson, TRICKY_TEXTS } from "./arbitrary-json.ts";
import { INSIDES } from "./expect-refusal.ts";
import { fuzzing } from "./fuzz-seed.ts";
import { type FuzzTarget, SECRET, startFuzzTarget } from "./fuzz-target.ts";

const RUNS = 40;
/** What is served beside the operations of `openapi.json`: each in its own protocol, so that refusals have no form in common. */
const WITH_KEY = ["/mcp", "/otlp/v1/traces", "/otlp/v1/logs", "/otlp/v1/metrics"];
const PUBLIC = [
  ...["/console", "/console/", "/console/assets/x.js", "/console/session"],
  ...["/status", "/status/history", "/status/history.rss", "/status/history.atom", "/status/feed.json"],
  ...["/status/maintenance.ics", "/status/badge.svg", "/status/subscribe", "/status/subscription"],
  ...["/status/incidents/x", "/status/badge/x.svg", "/api/v2/summary.json", "/api/v2/x"],
];

let target: FuzzTarget;
before(async () => {
  target = await startFuzzTarget();
});
after(() => target[Symbol.asyncDispose]());

const text = fc.oneof(fc.constantFrom(...TRICKY_TEXTS), fc.string());
const requests = (paths: readonly string[]) =>
  fc.record({
    // A GET of /mcp is a stream, which does not end.
    method: fc.constantFrom("POST", "PUT", "DELETE", "PATCH"),
    path: fc
      .tuple(fc.constantFrom(...paths), fc.oneof(fc.constant(""), text))
      .map(([path, query]) => (query === "" ? path : `${path}?token=${encode(query)}`)),
    type: fc.constantFrom(
      "application/json",
      "application/x-protobuf",
      "application/x-www-form-urlencoded",
      "text/plain",
      "",
    ),
    accept: fc.constantFrom("*/*", "text/html", "application/json, text/event-stream", "x"),
    body: fc.oneof(
      hostileJson.map((value) => JSON.stringify(value) ?? ""),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      text.map((value) => `email=${encode(value)}&token=${encode(value)}`),
      fc.constantFrom("", "{", '{"jsonrpc":"2.0","id":1,"method":"tools/list"}', "[".repeat(50_000)),
    ),
  });

async function fuzz(
  t: TestContext,
  paths: readonly string[],
  keys: () => Record<string, string>,
  check: (answer: HttpAnswer, what: string) => void,
): Promise<void> {
  const property = fc.asyncProperty(requests(paths), async ({ method, path, type, accept, body }) => {
    for (const [name, apiKey] of Object.entries(keys())) {
      const headers = { accept, ...(type !== "" && { "content-type": type }) };
      const answer = await callHttp(target.daemon, `${method} ${path}`, { apiKey, headers, body });
      const what = `${name}: ${method} ${path.slice(0, 200)} -> ${answer.status} ${answer.text.slice(0, 300)}`;
      assert.ok(answer.status < 500, what);
      assert.ok(!answer.text.includes(SECRET), what);
      if (answer.status >= 400) assert.doesNotMatch(answer.text, INSIDES, what);
      check(answer, what);
    }
  });
  await fc.assert(property, fuzzing(t, RUNS));
}

test("whatever is sent to what is served beside the API, nothing breaks and nothing of another is told", async (t) => {
  await fuzz(
    t,
    [...WITH_KEY, ...PUBLIC],
    () => ({ attacker: target.attacker }),
    () => undefined,
  );
  assert.ok(await target.isUnharmed());
  assert.deepEqual(target.daemon.logs().match(/request req_\w+ failed.{0,400}/g), null);
});

test("without a valid key MCP and telemetry are closed, whatever is sent", async (t) => {
  await fuzz(
    t,
    WITH_KEY,
    () => target.badKeys as Record<string, string>,
    // A head that is too large is refused before anybody looks for a key in it.
    ({ status }, what) => assert.ok(status === 401 || status === 431, what),
  );
  assert.ok(await target.isUnharmed());
});

function encode(value: string): string {
  return encodeURIComponent(value.replaceAll(/[\ud800-\udfff]/g, ""));
}
