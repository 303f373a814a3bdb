import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { after, before, test } from "node:test";
import { callHttp, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { parseAtomFeed, parseJsonFeed, parseRssFeed } from "feedsmith";
import ICAL from "ical.js";
import { postForm } from "./subscribing.ts";
import { componentStatus, readJson, watched } from "./watched-daemon.ts";

const HOSTILE = `</title><script>alert("x")</script> & "quoted" ]]> 'té'`;
/** In the configuration, and nobody else's business. */
const SECRET = "hunter2-hunter2-hunter2-hunter2";

let daemon: TestDaemon;
let incidentId: string;
let maintenanceId: string;

before(async () => {
  daemon = await startDaemon(
    watched({
      SANDGLASS_ALLOWED_HOSTS: "status.example.com",
      SANDGLASS_STATUS_FAILURES_TO_OPEN: "1",
      SANDGLASS_STATUS_SUCCESSES_TO_RESOLVE: "1",
      SANDGLASS_STATUS_TITLE: "Acme & Sons",
      SANDGLASS_STATUS_URL: "https://status.example.com",
      SANDGLASS_STATUS_SUBSCRIPTIONS_WEBHOOKS: "true",
      CHECK_TOKEN: SECRET,
      SANDGLASS_STATUS_CHECKS: JSON.stringify([
        {
          type: "http",
          name: "Website",
          url: "http://127.0.0.1:9/private-path",
          headers: { authorization: { env: "CHECK_TOKEN" } },
          intervalMs: 1000,
        },
        { type: "http", name: "Acquisition", url: "http://127.0.0.1:9/", intervalMs: 1000 },
        { type: "otlp", name: "Agents", service: "shop-agent", withinMs: 600_000, intervalMs: 1000 },
      ]),
      SANDGLASS_STATUS_COMPONENTS: JSON.stringify({
        "check-acquisition": { hidden: true },
        log: { name: "Record", group: "Core" },
      }),
      SANDGLASS_OBSERVABILITY: JSON.stringify({
        provider: "webhook",
        config: {
          url: "http://127.0.0.1:9/internal-hook",
          secret: `whsec_${Buffer.from(SECRET).toString("base64")}`,
        },
      }),
    }),
  );
  const opened = await callHttp(daemon, "POST /v1/incidents", {
    json: { title: HOSTILE, message: `First.\n\n${HOSTILE}`, components: { store: "degraded_performance" } },
  });
  assert.equal(opened.status, 201, opened.text);
  incidentId = opened.json.id;
  const startsAt = new Date(Date.now() + 3_600_000).toISOString();
  const endsAt = new Date(Date.now() + 7_200_000).toISOString();
  const scheduled = await callHttp(daemon, "POST /v1/maintenances", {
    json: {
      title: "Disks, new; ones\\",
      message: `Long line ${"é".repeat(80)}\nNext`,
      components: ["api"],
      startsAt,
      endsAt,
    },
  });
  assert.equal(scheduled.status, 201, scheduled.text);
  maintenanceId = scheduled.json.id;
});
after(() => daemon?.stop());

const read = (path: string, headers: Record<string, string> = {}) =>
  callHttp(daemon, `GET ${path}`, { apiKey: "", headers });

test("the operator's own checks are components: a URL that does not answer, and telemetry that does not come and then does", async () => {
  await until(
    "the checks failed",
    async () => (await componentStatus(daemon, "check-website")) === "major_outage",
  );
  await until(
    "telemetry is missed",
    async () => (await componentStatus(daemon, "check-agents")) === "major_outage",
  );
  const { components } = await readJson(daemon, "/v1/status");
  const website = components.find(({ id }: { id: string }) => id === "check-website");
  assert.equal(website.reason, "ECONNREFUSED");
  const now = `${Date.now()}000000`;
  const span = {
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    spanId: "00f067aa0ba902b7",
    name: "work",
    kind: 1,
    startTimeUnixNano: now,
    endTimeUnixNano: now,
  };
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "shop-agent" } }] };
  const sent = await callHttp(daemon, "POST /otlp/v1/traces", {
    json: { resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] },
  });
  assert.equal(sent.status, 200, sent.text);
  await until(
    "telemetry came",
    async () => (await componentStatus(daemon, "check-agents")) === "operational",
  );
});

test("RSS, Atom and JSON Feed are read by a parser as what was written, hostile titles included", async () => {
  const rss = parseRssFeed((await read("/status/history.rss")).text);
  const atom = parseAtomFeed((await read("/status/history.atom")).text);
  const { text } = await read("/status/feed.json");
  const json = parseJsonFeed(text);
  const link = `https://status.example.com/status/incidents/${incidentId}`;
  assert.equal(rss.title, "Acme & Sons status");
  const item = rss.items?.find((each) => each.link === link);
  assert.equal(item?.title, `Investigating: ${HOSTILE}`);
  assert.doesNotMatch(item?.description ?? "", /<script/);
  assert.equal(item?.guid?.value, link);
  const entry = atom.entries?.find((each) => each.id === link);
  assert.equal(entry?.title?.value, `Investigating: ${HOSTILE}`);
  assert.equal(entry?.content?.value, item?.description);
  const listed = json.items?.find((each) => each.id === link);
  assert.equal(listed?.title, `Investigating: ${HOSTILE}`);
  assert.equal(JSON.parse(text).version, "https://jsonfeed.org/version/1.1");
});

test("the calendar of maintenance is read by a parser as what was scheduled", async () => {
  const { text, headers } = await read("/status/maintenance.ics");
  assert.match(headers["content-type"] ?? "", /^text\/calendar/);
  for (const line of text.split("\r\n")) assert.ok(Buffer.byteLength(line) <= 75, line);
  const calendar = new ICAL.Component(ICAL.parse(text));
  const event = new ICAL.Event(calendar.getFirstSubcomponent("vevent") ?? undefined);
  assert.equal(event.uid, `${maintenanceId}@sandglass`);
  assert.equal(event.summary, "Maintenance: Disks, new; ones\\");
  assert.match(event.description, /^Long line é{80}\nNext\n\nAffects API$/);
  assert.equal(event.endDate.toUnixTime() - event.startDate.toUnixTime(), 3600);
});

test("the documents of /api/v2 have the fields that Statuspage documents, of the types it documents", async () => {
  const summary = JSON.parse((await read("/api/v2/summary.json")).text);
  assert.deepEqual(Object.keys(summary), [
    "page",
    "components",
    "incidents",
    "scheduled_maintenances",
    "status",
  ]);
  assert.deepEqual(Object.keys(summary.page), ["id", "name", "url", "time_zone", "updated_at"]);
  assert.ok(["none", "minor", "major", "critical", "maintenance"].includes(summary.status.indicator));
  for (const component of summary.components) {
    for (const field of ["id", "name", "status", "created_at", "updated_at", "page_id"])
      assert.equal(typeof component[field], "string", field);
    assert.equal(component.group, false);
    assert.equal(typeof component.position, "number");
  }
  const unresolved = JSON.parse((await read("/api/v2/incidents/unresolved.json")).text).incidents;
  const incident = unresolved.find(({ id }: { id: string }) => id === incidentId);
  assert.equal(incident.name, HOSTILE);
  assert.equal(incident.impact, "minor");
  assert.equal(incident.resolved_at, null);
  assert.equal(incident.incident_updates[0].incident_id, incidentId);
  assert.deepEqual(
    incident.components.map(({ id }: { id: string }) => id),
    ["store"],
  );
  const planned = JSON.parse((await read("/api/v2/scheduled-maintenances.json")).text).scheduled_maintenances;
  assert.equal(planned[0].status, "scheduled");
  assert.ok(planned[0].scheduled_until > planned[0].scheduled_for);
  for (const name of [
    "status",
    "components",
    "incidents",
    "scheduled-maintenances/upcoming",
    "scheduled-maintenances/active",
  ])
    assert.equal((await read(`/api/v2/${name}.json`)).status, 200, name);
});

test("nothing private is on any public page: no address, secret, reason, nor a component that is hidden", async () => {
  const { json } = await callHttp(daemon, "GET /v1/status/export?baseUrl=https://status.example.com");
  const paths = json.files.map(({ path }: { path: string }) => path);
  for (const path of [
    "index.html",
    "history.html",
    `incidents/${incidentId}.html`,
    "history.rss",
    "api/v2/summary.json",
    "badge/log.svg",
  ])
    assert.ok(paths.includes(path), path);
  for (const { path, content } of json.files) {
    assert.doesNotMatch(
      content,
      /hunter2|whsec|127\.0\.0\.1|private-path|ECONNREFUSED|[Aa]cquisition|sbx_|key_/,
      path,
    );
    if (!path.endsWith("json")) assert.doesNotMatch(content, /<script/, path);
  }
  assert.equal((await read("/status/badge/check-acquisition.svg")).status, 404);
});

test("an unchanged document is not sent again, HEAD sends none, and other methods are refused", async () => {
  const first = await read("/api/v2/incidents.json");
  const etag = first.headers.etag ?? "";
  assert.match(first.headers["cache-control"] ?? "", /^public, max-age=\d+$/);
  const again = await read("/api/v2/incidents.json", { "if-none-match": etag });
  assert.deepEqual([again.status, again.text], [304, ""]);
  const head = await callHttp(daemon, "HEAD /status", { apiKey: "" });
  assert.deepEqual([head.status, head.text], [200, ""]);
  assert.equal((await callHttp(daemon, "POST /status", { apiKey: "" })).status, 405);
});

test("pages of other sites may read it under a public name, and not where it is addressed as the machine itself", async () => {
  const foreign = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  const open = await read("/api/v2/summary.json", { ...foreign, host: "status.example.com" });
  assert.equal(open.status, 200);
  assert.equal(open.headers["access-control-allow-origin"], "*");
  for (const host of ["localhost:7070", "127.0.0.1:7070", "[::1]:7070"])
    assert.equal((await read("/api/v2/summary.json", { ...foreign, host })).status, 403, host);
  assert.equal((await read("/api/v2/summary.json", { host: "rebound.example" })).status, 403);
});

test("no webhook is subscribed on a private, loopback or link-local address, nor one without TLS: none of them is even asked", async () => {
  let connections = 0;
  const inside = createServer(() => connections++).listen(0, "127.0.0.1");
  await once(inside, "listening");
  const { port } = inside.address() as AddressInfo;
  const addresses = [
    `http://127.0.0.1:${port}/`,
    `https://127.0.0.1:${port}/`,
    "https://[::1]/",
    "https://169.254.169.254/latest",
    "https://10.0.0.1/",
    `https://localhost:${port}/`,
  ];
  for (const address of addresses) {
    const answer = await postForm(daemon, "/status/subscribe", { kind: "webhook", address });
    assert.equal(answer.status, 422, address);
    assert.match(answer.text, /public address/);
  }
  assert.equal(connections, 0);
  inside.close();
});

test("only the operator writes: neither a key of another organisation nor one without the scope admin", async () => {
  const keys = await Promise.all(
    [
      { name: "other", orgId: "other", scopes: ["admin"] },
      { name: "reader", scopes: ["sandboxes:read"] },
    ].map(async (json) => (await callHttp(daemon, "POST /v1/keys", { json })).json.key as string),
  );
  for (const apiKey of keys) {
    const json = { title: "Mine", message: "Mine." };
    assert.equal((await callHttp(daemon, "POST /v1/incidents", { json, apiKey })).status, 403);
    assert.equal(
      (await callHttp(daemon, `DELETE /v1/maintenances/${maintenanceId}`, { apiKey })).status,
      403,
    );
  }
  const [other = ""] = keys;
  const seen = (await callHttp(daemon, "GET /v1/status", { apiKey: other })).text;
  assert.doesNotMatch(seen, /cquisition|ECONNREFUSED/);
});
