import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { callHttp } from "@sandglass/testkit";
import { expectSane } from "./expect-sane.ts";
import { seededFuzzing } from "./fuzz-seed.ts";
import { type FuzzTarget, SECRET, startFuzzTarget } from "./fuzz-target.ts";
import { hostileHeaders, hostileTarget, METHODS } from "./hostile-requests.ts";
import { sendRaw } from "./raw-request.ts";

const RUNS = 5_000;
const PORT_RUNS = 500;
/** What anybody may read: beside the operations of `openapi.json`, and its own public ones. */
const PUBLIC = [
  ...["/status", "/status/history", "/status/subscribe", "/status/subscription", "/status/incidents/x"],
  ...["/status/history.rss", "/status/history.atom", "/status/feed.json", "/status/maintenance.ics"],
  ...["/status/badge.svg", "/status/icon.svg", "/status/badge/api.svg", "/status/badge/store.svg"],
  ...["summary", "status", "components", "incidents", "incidents/unresolved", "scheduled-maintenances"].map(
    (name) => `/api/v2/${name}.json`,
  ),
  ...["/api/v2/scheduled-maintenances/upcoming.json", "/api/v2/scheduled-maintenances/active.json"],
  ...["/console", "/console/", "/console/index.html", "/console/runs/x", "/console/assets/x.js"],
  ...["/healthz", "/readyz", "/openapi.json"],
];
/** What takes a key, or a session of the console. */
const CLOSED = [
  "/console/session",
  "/metrics",
  "/mcp",
  "/otlp/v1/traces",
  "/otlp/v1/logs",
  "/otlp/v1/metrics",
];
const SIGNALS = ["/v1/traces", "/v1/logs", "/v1/metrics"];

let target: FuzzTarget;
let keys: Record<string, string>;
let cookies: string[];
before(async () => {
  target = await startFuzzTarget(["--otlp-listen", "--otlp-port", "0", "--otlp-grpc-port", "0"]);
  keys = { ...(target.badKeys as Record<string, string>), ...target.scoped, attacker: target.attacker };
  cookies = await cookiesOf(target);
});
after(() => target[Symbol.asyncDispose]());

/** Of sessions that open nothing: over, forged, and the operator's without what its page alone has. */
async function cookiesOf({ daemon, operator }: FuzzTarget): Promise<string[]> {
  const signIn = async (): Promise<{ cookie: string; pageToken: string }> => {
    const { json: link } = await callHttp(daemon, "POST /v1/console/links", { apiKey: operator });
    const answer = await callHttp(daemon, "POST /console/session", {
      json: { token: link.path.split("#")[1] },
    });
    const [cookie = ""] = String(answer.headers["set-cookie"]).split(";");
    return { cookie, pageToken: answer.json.pageToken };
  };
  const over = await signIn();
  const open = await signIn();
  const signedIn = (session: typeof over) => ({
    cookie: session.cookie,
    "x-sandglass-console": session.pageToken,
  });
  const ended = await callHttp(daemon, "DELETE /console/session", { apiKey: "", headers: signedIn(over) });
  assert.equal(ended.status, 204);
  const { status } = await callHttp(daemon, "GET /console/session", { apiKey: "", headers: signedIn(open) });
  assert.equal(status, 200);
  const [name = ""] = open.cookie.split("=");
  return [
    ...[`cookie: ${over.cookie}\r\nx-sandglass-console: ${over.pageToken}`, `cookie: ${open.cookie}`],
    ...[
      `cookie: ${open.cookie}\r\nx-sandglass-console: ${over.pageToken}`,
      `cookie: ${open.cookie}; ${open.cookie}x`,
    ],
    ...[
      `cookie: ${name}=${"A".repeat(43)}`,
      `cookie: ${name}=`,
      `cookie: ${name}="\u00ff`,
      `cookie: ${name}=a\r\ncookie: ${name}=b`,
    ],
  ];
}

/** @param paths of the server at `url` @returns how often each status came */
async function fuzz(
  t: TestContext,
  runs: number,
  url: string,
  paths: readonly string[],
  { hasOwnForm, isAnswered }: { hasOwnForm: (target: string) => boolean; isAnswered: boolean },
): Promise<Map<number, number>> {
  const { random, runs: count } = seededFuzzing(t, runs);
  const { host } = new URL(url);
  const statuses = new Map<number, number>();
  const secrets = [SECRET, "victims-own", target.daemon.dataDir];
  for (let run = 0; run < count; run++) {
    const name = random.int(3) === 0 ? "attacker" : random.pick(Object.keys(keys));
    const key = keys[name] ?? "";
    const asked = hostileTarget(random, random.pick(paths), host);
    const method = random.pick(METHODS);
    const headers = hostileHeaders(random, host, cookies);
    if (key !== "") headers.push(`authorization: Bearer ${key}`);
    const what = `run ${run}, ${name}: ${method} ${asked.slice(0, 200)} ${headers.join(" | ").slice(0, 400)}`;
    const answer = await sendRaw(url, { line: `${method} ${asked}`, headers, body: bodyFor(headers) });
    // There is no tunnel here, and nothing to say about it.
    if (answer === undefined) {
      assert.ok(method === "CONNECT" || !isAnswered, what);
      continue;
    }
    // What says in one sentence that it speaks something else reads no method.
    expectSane(answer, isAnswered ? method : "GET", what, { secrets, hasOwnForm: hasOwnForm(asked) });
    const { status } = answer;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    const [path = ""] = asked.split("?");
    if (CLOSED.includes(path) && (name in target.badKeys || path === "/metrics"))
      assert.ok(status >= 400, what);
  }
  t.diagnostic([...statuses].map(([status, times]) => `${times} times ${status}`).join(", "));
  return statuses;
}

/** An empty one of the kind that the headers promise. */
function bodyFor(headers: readonly string[]): string {
  return headers.includes("transfer-encoding: chunked") ? "0\r\n\r\n" : "";
}

async function expectUnharmed(): Promise<void> {
  assert.ok(await target.isUnharmed());
  const { status } = await callHttp(target.daemon, "GET /healthz", { apiKey: "" });
  assert.equal(status, 200);
  assert.deepEqual(target.daemon.logs().match(/request req_\w+ failed.{0,400}/g), null);
}

test("what is served beside the API is there, without a key as far as it is public", async () => {
  for (const path of PUBLIC) {
    const { status, text } = await callHttp(target.daemon, `GET ${path}`, { apiKey: "" });
    const expected =
      path === "/console" ? 308 : /\/x$|x\.js$|subscription$|store\.svg$/.test(path) ? 404 : 200;
    assert.equal(status, path === "/console/runs/x" ? 200 : expected, `${path}: ${text.slice(0, 200)}`);
  }
  const headers = { accept: "text/html" };
  const missing = await callHttp(target.daemon, "GET /status/none", { apiKey: "", headers });
  assert.match(missing.text, /There is no such page/);
  assert.match(String(missing.headers["content-security-policy"]), /frame-ancestors 'none'/);
  for (const path of CLOSED) {
    const { status } = await callHttp(target.daemon, `GET ${path}`, { apiKey: "" });
    assert.equal(status, 401, path);
  }
});

test("however a route beside the API is read, nothing breaks, nothing of another is told and pages are kept apart", async (t) => {
  const hasOwnForm = (asked: string): boolean => /^(?:http:..[^/]*)?\/(?:otlp\/|mcp)/i.test(asked);
  const paths = [...PUBLIC, ...CLOSED, ...CLOSED];
  const statuses = await fuzz(t, RUNS, target.daemon.url, paths, { hasOwnForm, isAnswered: true });
  for (const status of [200, 308, 400, 401, 403, 404, 405, 431])
    assert.ok(statuses.has(status), `no ${status}`);
  await expectUnharmed();
});

for (const port of ["otlp_http", "otlp_grpc"]) {
  test(`however the port ${port} is read, nothing breaks and nothing is told`, async (t) => {
    const found = new RegExp(`${port}=(\\S+)`).exec(target.daemon.logs())?.[1] ?? "";
    const url = found.startsWith("http") ? found : `http://${found}`;
    // What speaks gRPC alone has no word for HTTP/1.1.
    const isAnswered = port === "otlp_http";
    const statuses = await fuzz(t, PORT_RUNS, url, SIGNALS, { hasOwnForm: () => true, isAnswered });
    assert.equal(statuses.has(200), false);
    await expectUnharmed();
  });
}
