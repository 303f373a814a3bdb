import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { type HttpAnswer, openHttp } from "@sandglass/testkit";
import fc from "fast-check";
import { arbitraryFor, hostileJson, TRICKY_TEXTS } from "./arbitrary-json.ts";
import { expectRefusal } from "./expect-refusal.ts";
import { fuzzing } from "./fuzz-seed.ts";
import { type FuzzTarget, SECRET, startFuzzTarget } from "./fuzz-target.ts";
import { OPERATIONS, type Operation, SCHEMAS } from "./openapi-operations.ts";

const RUNS_PER_OPERATION = 30;
/** It tries every wall there is, each time. */
const RUNS_OF_DOCTOR = 5;
/** Of an answer that goes on, what is looked at. */
const MAX_BYTES = 256 * 1024;

let target: FuzzTarget;
before(async () => {
  target = await startFuzzTarget();
});
after(() => target[Symbol.asyncDispose]());

/** As they stand in a URL; some are no valid encoding of anything. */
const RAW_SEGMENTS = [
  "%00",
  "%2e%2e",
  "..%2f..%2fetc%2fpasswd",
  "%c0%af",
  "%ff%fe",
  "%",
  "%zz",
  "%ed%a0%80",
  "a%0d%0ax:y",
  "%20",
  "-",
  "*",
  ";a=b",
  "y".repeat(5000),
];

interface FuzzedRequest {
  line: string;
  headers: Record<string, string>;
  body: string | undefined;
}

/** One request of the operation; `ids` are of what exists, most of it another organisation's. */
function arbitraryRequest(operation: Operation, ids: readonly string[]): fc.Arbitrary<FuzzedRequest> {
  const segment = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...ids) },
    { weight: 2, arbitrary: fc.constantFrom(...RAW_SEGMENTS) },
    { weight: 1, arbitrary: fc.oneof(fc.constantFrom(...TRICKY_TEXTS), fc.string()).map(encode) },
  );
  const query = fc.record(
    Object.fromEntries(operation.query.map(({ name, schema }) => [name, arbitraryFor(schema, SCHEMAS)])),
    { requiredKeys: [] },
  );
  const strayQuery = fc.constantFrom(
    "",
    "__proto__=1",
    "constructor[x]=1",
    "a=1&a=2",
    "%zz",
    "limit=1&limit=2",
  );
  const body = operation.body === undefined ? fc.constant(undefined) : arbitraryBody(operation.body);
  const headers = fc.record(
    {
      traceparent: fc.string().map(encode),
      baggage: fc.string().map(encode),
      "idempotency-key": fc.string().map(encode),
      accept: fc.constantFrom("*/*", "text/html", "x"),
    },
    { requiredKeys: [] },
  );
  // Of a request that is cut off in its line nobody knows that it was a HEAD, whose answer has no body.
  const longest = operation.method === "HEAD" ? 4_500 : 100_000;
  const segments = fc.tuple(...operation.pathNames.map(() => segment));
  return fc.tuple(segments, query, strayQuery, body, headers).map(([names, pairs, stray, text, extra]) => {
    const path = operation.pathNames.reduce(
      (left, name, index) => left.replace(`{${name}}`, () => (names[index] ?? "").slice(0, longest)),
      operation.path,
    );
    const known = Object.entries(pairs).map(
      ([name, value]) => `${name}=${encode(asText(value)).slice(0, 4000)}`,
    );
    const all = [...known, stray].filter((pair) => pair !== "").join("&");
    return {
      line: `${operation.method} ${path}${all === "" ? "" : `?${all}`}`,
      headers: { ...extra, ...(text !== undefined && { "content-type": "application/json" }) },
      body: operation.takesBytes ? "bytes" : text,
    };
  });
}

function arbitraryBody(schema: NonNullable<Operation["body"]>): fc.Arbitrary<string> {
  const valid = arbitraryFor(schema, SCHEMAS).map((value) => JSON.stringify(value) ?? "");
  return fc.oneof(
    { weight: 8, arbitrary: valid },
    { weight: 1, arbitrary: hostileJson.map((value) => JSON.stringify(value) ?? "") },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "",
        "{",
        '{"__proto__":{"admin":true}}',
        '{"constructor":{"prototype":{}}}',
        "[".repeat(50_000),
        "\ufeff{}",
      ),
    },
    { weight: 1, arbitrary: fc.tuple(valid, fc.nat(200)).map(([text, end]) => text.slice(0, end)) },
  );
}

async function send({ line, headers, body }: FuzzedRequest, apiKey: string): Promise<HttpAnswer> {
  const response = await openHttp(target.daemon, line, {
    apiKey,
    headers,
    ...(body !== undefined && { body }),
  });
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response) {
    text += chunk;
    if (text.length > MAX_BYTES || isFollowed(line)) break;
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    get json() {
      return JSON.parse(text);
    },
  };
}

/** An answer whose end is far away. */
function isFollowed(line: string): boolean {
  return line.includes("follow=") || line.includes("/stream");
}

function judge(answer: HttpAnswer, { line, body }: FuzzedRequest): void {
  const what = `${line.slice(0, 300)} ${body?.slice(0, 300) ?? ""} -> ${answer.status} ${answer.text.slice(0, 300)}`;
  assert.ok(!answer.text.includes(SECRET), what);
  assert.ok(answer.status < 500, what);
  if (answer.status < 400) return;
  if (!line.startsWith("HEAD")) expectRefusal(answer, what);
  else assert.ok(typeof answer.headers["x-error-code"] === "string", what);
}

async function fuzz(
  t: TestContext,
  runs: number,
  operation: Operation,
  check: (request: FuzzedRequest, send: (apiKey: string) => Promise<HttpAnswer>) => Promise<void>,
): Promise<void> {
  const ids = [...Object.values(target.victim), await target.ownSandbox()];
  const property = fc.asyncProperty(arbitraryRequest(operation, ids), (request) =>
    check(request, (apiKey) => send(request, apiKey)),
  );
  await fc.assert(property, fuzzing(t, runs));
}

test("whatever is sent, every route answers with what it is asked for or an error of the catalogue", async (t) => {
  for (const operation of OPERATIONS) {
    await t.test(`${operation.method} ${operation.path}`, (inner) =>
      fuzz(
        inner,
        operation.path === "/v1/doctor" ? RUNS_OF_DOCTOR : RUNS_PER_OPERATION,
        operation,
        async (request, ask) => judge(await ask(target.attacker), request),
      ),
    );
  }
  assert.ok(await target.isUnharmed());
  // What is no error of the catalogue is reported there, also where its answer could not say so.
  assert.deepEqual(target.daemon.logs().match(/request req_\w+ failed.{0,400}/g), null);
});

test("with a key that lacks the scope, or no valid one, no route does anything", async (t) => {
  for (const operation of OPERATIONS.filter(({ scope }) => scope !== undefined)) {
    await t.test(`${operation.method} ${operation.path}`, (inner) =>
      fuzz(inner, 4, operation, async (request, ask) => {
        for (const [name, key] of Object.entries(target.badKeys))
          await expectClosed(name, [401], await ask(key), request);
        for (const [scope, key] of Object.entries(target.scoped)) {
          if (scope !== operation.scope) await expectClosed(scope, [403], await ask(key), request);
        }
      }),
    );
  }
  assert.ok(await target.isUnharmed());
});

/** A path that is none is found to be so before a key is looked at. */
async function expectClosed(
  name: string,
  statuses: number[],
  answer: HttpAnswer,
  request: FuzzedRequest,
): Promise<void> {
  judge(answer, request);
  assert.ok(
    [...statuses, 400, 404, 431].includes(answer.status),
    `${name}: ${request.line.slice(0, 200)} -> ${answer.status}`,
  );
  if (statuses[0] === 401 && answer.status !== 401)
    assert.match(answer.text + request.line, /ROUTE_NOT_FOUND|INVALID_REQUEST|HEADERS_TOO_LARGE|HEAD /);
}

function encode(text: string): string {
  return encodeURIComponent(text.replaceAll(/[\ud800-\udfff]/g, ""));
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
