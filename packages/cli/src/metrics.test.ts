import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { type CliResult, runCommand } from "./cli-process.ts";

let daemon: TestDaemon;

const sandglass = (args: string[]): Promise<CliResult> =>
  runCommand(["metrics", ...args], { env: { SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey } });

before(async () => {
  daemon = await startDaemon({ args: ["--pool", "python=0"] });
  const headers = { authorization: `Bearer ${daemon.apiKey}`, "content-type": "application/json" };
  const point = (queue: string, asDouble: number) => ({
    timeUnixNano: `${Date.now()}000000`,
    asDouble,
    attributes: [{ key: "queue", value: { stringValue: queue } }],
  });
  const gauge = { dataPoints: [point("a,b", 2), point("c", 30)] };
  const metrics = [{ name: "jobs.waiting", unit: "{job}", gauge }];
  const body = JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] });
  await until(
    "they are taken",
    async () => (await fetch(`${daemon.url}/otlp/v1/metrics`, { method: "POST", headers, body })).ok,
  );
  await until("they are stored", async () =>
    (await (await fetch(`${daemon.url}/v1/metrics`, { headers })).text()).includes("jobs.waiting"),
  );
});
after(() => daemon?.stop());

test("the list has what was sent and what the daemon measures itself", async () => {
  const { stdout, code } = await sandglass([]);
  assert.equal(code, 0);
  assert.match(stdout, /^METRIC +TYPE +UNIT +POINTS +LAST +ATTRIBUTES\n/);
  assert.match(stdout, /jobs\.waiting +gauge +\{job\} +2 .* queue/);
  assert.match(stdout, /http\.server\.request\.duration +histogram +s /);
});

test("a metric is shown over time, in groups, filtered, as a table and as JSON", async () => {
  const grouped = await sandglass(["jobs.waiting", "--group-by", "queue", "--last", "10m"]);
  assert.equal(grouped.code, 0, grouped.stderr);
  assert.match(grouped.stdout, /^queue +LAST +MIN +MAX +AVG \(\{job\}\)\n/);
  assert.match(grouped.stdout, /a,b +2 +2 +2 +▁/);
  const args = ["jobs.waiting", "--filter", "queue=a,b", "-a", "max", "--step", "1m", "--json"];
  const { series, aggregation, stepMs } = JSON.parse((await sandglass(args)).stdout);
  assert.deepEqual([series.length, series[0].points[0][1], aggregation, stepMs], [1, 2, "max", 60_000]);
});

test("what is not there is said, and what cannot be asked is wrong usage", async () => {
  const { stdout, stderr, code } = await sandglass(["no.such.metric"]);
  assert.deepEqual([stdout, code], ["", 0]);
  assert.match(stderr, /nothing was measured as "no\.such\.metric"/);
  assert.equal((await sandglass(["jobs.waiting", "-a", "median"])).code, 2);
  assert.equal(
    (await sandglass(["jobs.waiting", "--last", "1h", "--since", "2026-01-01T00:00:00Z"])).code,
    2,
  );
});
