import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "./client.ts";
import { answerJson, ScriptedServer } from "./scripted-server.ts";

const INCIDENT = {
  id: "inc_1",
  title: "Slow starts",
  status: "investigating",
  impact: "minor",
  components: { api: "degraded_performance" },
  isAutomatic: false,
  openedAt: "2026-04-18T14:00:00.000Z",
  updates: [{ id: "upd_1", status: "investigating", message: "Looking.", at: "2026-04-18T14:00:00.000Z" }],
};
const MAINTENANCE = {
  id: "mnt_1",
  title: "A new disk",
  message: "For an hour.",
  status: "scheduled",
  components: ["api"],
  startsAt: "2026-04-19T00:00:00.000Z",
  endsAt: "2026-04-19T01:00:00.000Z",
  createdAt: "2026-04-18T14:00:00.000Z",
};
const API = {
  id: "api",
  name: "API",
  group: "Sandglass",
  status: "operational",
  since: "2026-01-01T00:00:00.000Z",
};
const REPORT = {
  title: "Sandglass",
  description: "All systems operational",
  indicator: "none",
  at: "2026-04-18T14:00:00.000Z",
  components: [{ ...API, isPublic: true, uptime: 0.999 }],
  incidents: [INCIDENT],
  maintenances: [MAINTENANCE],
};
const ANSWERS: Readonly<Record<string, unknown>> = {
  "/v1/status": REPORT,
  "/v1/status/export": { files: [{ path: "index.html", content: "<html>" }] },
  "/v1/incidents": { items: [INCIDENT] },
  "/v1/maintenances": { items: [MAINTENANCE] },
  "POST /v1/incidents": INCIDENT,
  "POST /v1/maintenances": MAINTENANCE,
  "/v1/incidents/inc_1": INCIDENT,
  "/v1/incidents/inc_1/updates": { ...INCIDENT, status: "resolved", resolvedAt: "2026-04-18T15:00:00.000Z" },
};

/** Answers each call as the daemon does, and keeps what was asked. */
function statusServer(): Promise<ScriptedServer> {
  return ScriptedServer.start(({ method, url }, response) => {
    const path = url.split("?")[0] ?? "";
    if (method === "DELETE") return void response.writeHead(204).end();
    answerJson(response, ANSWERS[`${method} ${path}`] ?? ANSWERS[path], method === "POST" ? 201 : 200);
  });
}

test("the status is read with its components, incidents and maintenance, and its pages as files", async () => {
  await using server = await statusServer();
  const { status } = new Client({ baseUrl: server.url, apiKey: "k" });
  const report = await status.get();
  assert.equal(report.components[0]?.uptime, 0.999);
  assert.equal(report.incidents[0]?.updates[0]?.message, "Looking.");
  assert.equal(report.maintenances[0]?.endsAt, MAINTENANCE.endsAt);
  assert.deepEqual(await status.export("https://status.example"), [
    { path: "index.html", content: "<html>" },
  ]);
  assert.equal((await status.incidents({ open: true, limit: 5 }))[0]?.id, "inc_1");
  assert.equal((await status.incident("inc_1")).components.api, "degraded_performance");
  assert.equal((await status.maintenances())[0]?.status, "scheduled");
  assert.deepEqual(
    server.requests.map(({ url }) => decodeURIComponent(url)),
    [
      "/v1/status",
      "/v1/status/export?baseUrl=https://status.example",
      "/v1/incidents?open=true&limit=5",
      "/v1/incidents/inc_1",
      "/v1/maintenances",
    ],
  );
});

test("incidents and maintenance are written as the protocol has them", async () => {
  await using server = await statusServer();
  const { status } = new Client({ baseUrl: server.url, apiKey: "k" });
  const components = { api: "degraded_performance" } as const;
  await status.openIncident({ title: "Slow starts", message: "Looking.", components });
  const resolved = await status.updateIncident("inc_1", { message: "Over.", status: "resolved" });
  assert.equal(resolved.resolvedAt, "2026-04-18T15:00:00.000Z");
  const { title, message, startsAt, endsAt } = MAINTENANCE;
  const request = { title, message, components: ["api"], startsAt, endsAt };
  assert.equal((await status.scheduleMaintenance(request)).id, "mnt_1");
  await status.endMaintenance("mnt_1");
  assert.deepEqual(
    server.requests.map(({ method, url, body }) => [method, url, body === "" ? undefined : JSON.parse(body)]),
    [
      ["POST", "/v1/incidents", { title: "Slow starts", message: "Looking.", components }],
      ["POST", "/v1/incidents/inc_1/updates", { message: "Over.", status: "resolved" }],
      ["POST", "/v1/maintenances", request],
      ["DELETE", "/v1/maintenances/mnt_1", undefined],
    ],
  );
});

test("a link into the console is a whole address, with when it is over", async () => {
  const link = { path: "/console/?link=abc", expiresAt: "2026-04-18T14:01:00.000Z" };
  await using server = await ScriptedServer.start((_, response) => answerJson(response, link, 201));
  assert.deepEqual(await new Client({ baseUrl: server.url, apiKey: "k" }).consoleLink(), {
    url: `${server.url}/console/?link=abc`,
    expiresAt: link.expiresAt,
  });
});
