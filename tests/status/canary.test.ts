import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { callHttp, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client } from "sandglass";
import { parseMetrics, sampleValue } from "../../packages/server/src/metrics/testing/parse-metrics.ts";
import { componentStatus, readJson, watched } from "./watched-daemon.ts";

/** What a template needs of the host, which can be taken away. */
let lent: string;
let directory: string;
let daemon: TestDaemon;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "sandglass-status-"));
  lent = join(directory, "lent");
  await mkdir(lent, { mode: 0o755 });
  await chmod(directory, 0o755);
  daemon = await startDaemon(
    watched({
      SANDGLASS_TEMPLATES: JSON.stringify({
        lender: { base: "bash", mounts: [{ source: lent, target: "/lent" }] },
      }),
      SANDGLASS_STATUS_CANARY_ENABLED: "true",
      SANDGLASS_STATUS_CANARY_TEMPLATES: "bash,lender",
      // What fails here fails at once; a machine that is busy is not to be taken for it.
      SANDGLASS_STATUS_CANARY_TIMEOUT_MS: "60000",
    }),
  );
});
after(async () => {
  await daemon?.stop();
  await rm(directory, { recursive: true, force: true });
});

test("the canary notices when sandboxes can no longer be created, opens an incident, and resolves it when they can again", async () => {
  await until("the canaries ran", async () => {
    const { components } = await readJson(daemon, "/v1/status");
    return components.every(({ lastProbeAt }: { lastProbeAt?: string }) => lastProbeAt !== undefined);
  });
  assert.equal(await componentStatus(daemon, "template-lender"), "operational");

  await rename(lent, `${lent}-away`);
  await until(
    "the canary noticed",
    async () => (await componentStatus(daemon, "template-lender")) === "major_outage",
  );
  assert.equal(await componentStatus(daemon, "template-bash"), "operational");
  const [incident] = (await readJson(daemon, "/v1/incidents?open")).items;
  assert.equal(incident.isAutomatic, true);
  assert.deepEqual(incident.components, { "template-lender": "major_outage" });
  const unresolved = await readJson(daemon, "/api/v2/incidents/unresolved.json");
  assert.equal(unresolved.incidents[0].id, incident.id);

  await rename(`${lent}-away`, lent);
  await until(
    "the canary recovered",
    async () => (await componentStatus(daemon, "template-lender")) === "operational",
  );
  const resolved = await readJson(daemon, `/v1/incidents/${incident.id}`);
  assert.equal(resolved.status, "resolved");
  assert.equal(resolved.updates.length, 2);

  const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  const told: string[] = [];
  await until("all of it is in the record", async () => {
    told.length = 0;
    for await (const event of client.events({ types: ["incident.*", "status.*"] })) {
      // Of others, on a busy machine: the pool has none ready for a moment, say.
      if (!("data" in event)) continue;
      const { incidentId, component } = event.data as { incidentId?: string; component?: string };
      if (incidentId === incident.id || component === "template-lender") told.push(event.type);
    }
    return told.length >= 4;
  });
  assert.deepEqual(told, ["incident.opened", "status.changed", "incident.resolved", "status.changed"]);
  await client.close();
});

test("metrics say what the canary found and how long it took, where nothing of it is among those of users", async () => {
  const headers = { accept: "application/openmetrics-text; version=1.0.0" };
  const { text } = await callHttp(daemon, "GET /metrics", { headers });
  const metrics = parseMetrics(text, "openmetrics");
  const component = "template-lender";
  const value = (name: string, labels = {}) => sampleValue(metrics, `sandglass_status_${name}`, labels) ?? -1;
  assert.equal(value("component", { component, state: "operational" }), 1);
  assert.equal(value("component", { component, state: "major_outage" }), 0);
  assert.equal(value("open_incidents", { impact: "major" }), 0);
  assert.ok(value("probe_age_seconds", { component }) >= 0);
  const found = ["operational", "major_outage"].map((state) => value("probes_total", { component, state }));
  assert.ok(found[0]! >= 3 && found[1]! >= 2, found.join());
  assert.equal(value("probe_duration_seconds_count", { component }), found[0]);
  assert.equal(sampleValue(metrics, "sandglass_sandboxes_terminated_total", { cause: "user" }), 0);
});

test("canaries are in no list of the operator's, and their events are not in the operator's stream", async () => {
  const { json } = await callHttp(daemon, "GET /v1/sandboxes?ended=true");
  assert.deepEqual(json.items, []);
  const { text } = await callHttp(daemon, "GET /v1/events?types=sandbox.*");
  assert.equal(text, "");
});
