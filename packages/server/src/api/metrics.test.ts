import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { callHttp, startDaemon, type TestDaemon } from "@sandglass/testkit";
import type { TextFormat } from "../metrics/exposition.ts";
import { type ParsedFamily, parseMetrics, sampleValue } from "../metrics/testing/parse-metrics.ts";

const OPENMETRICS =
  "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const WORD = "a-word-of-the-user";

let daemon: TestDaemon;
let sandboxId: string;
before(async () => {
  daemon = await startDaemon({ args: ["--pool", "python=1"] });
  const { json } = await callHttp(daemon, "POST /v1/sandboxes", { json: { template: "bash" } });
  sandboxId = json.id;
  for (const command of ["true", "false", "kill -9 $$"]) await exec({ command });
  await exec(
    { code: `echo ${WORD}`, language: "bash" },
    { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` },
  );
});
after(() => daemon.stop());

async function exec(json: object, headers: Record<string, string> = {}): Promise<string> {
  const answer = await callHttp(daemon, `POST /v1/sandboxes/${sandboxId}/exec`, { json, headers });
  assert.equal(answer.status, 200);
  return String(answer.headers["x-exec-id"]);
}

async function scrapeText(format: TextFormat): Promise<string> {
  const headers = format === "openmetrics" ? { accept: OPENMETRICS } : {};
  const answer = await callHttp(daemon, "GET /metrics", { headers });
  const type = {
    openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
    prometheus: "text/plain; version=0.0.4; charset=utf-8",
  };
  assert.deepEqual([answer.status, answer.headers["content-type"]], [200, type[format]]);
  return answer.text;
}

async function scrape(format: TextFormat = "openmetrics"): Promise<Map<string, ParsedFamily>> {
  return parseMetrics(await scrapeText(format), format);
}

test("what happened is counted: sandboxes, execs by cause, requests by route, the log", async () => {
  const during = await scrape();
  const value = (name: string, labels = {}) => sampleValue(during, name, labels);
  assert.equal(value("sandglass_sandboxes", { state: "running" }), 1);
  assert.equal(value("sandglass_execs_total", { cause: "exited" }), 3);
  assert.equal(value("sandglass_execs_total", { cause: "killed" }), 1);
  assert.equal(value("sandglass_execs_total", { cause: "timed_out" }), 0);
  assert.equal(value("sandglass_pool_target", { template: "python" }), 1);
  assert.equal(value("sandglass_pool_misses_total", { template: "bash" }), 1);
  const created = { method: "POST", route: "/v1/sandboxes", status: "201" };
  assert.equal(value("sandglass_http_requests_total", created), 1);
  const route = "/v1/sandboxes/{id}/exec";
  assert.equal(value("sandglass_http_request_duration_seconds_count", { route }), 4);
  assert.equal(value("sandglass_http_request_duration_seconds_bucket", { route, le: "+Inf" }), 4);
  const commands = { cause: "exited", language: "command" };
  assert.equal(value("sandglass_exec_duration_seconds_count", commands), 2);
  assert.equal(value("sandglass_exec_duration_seconds_count", { ...commands, language: "bash" }), 1);
  assert.equal(value("sandglass_sandbox_create_duration_seconds_count", { source: "on_demand" }), 1);

  const { json } = await callHttp(daemon, "POST /v1/sandboxes", { json: { template: "bash" } });
  await callHttp(daemon, `DELETE /v1/sandboxes/${json.id}`);
  const behind = await scrape();
  assert.equal(sampleValue(behind, "sandglass_sandboxes_terminated_total", { cause: "user" }), 1);
  assert.equal(sampleValue(behind, "sandglass_sandboxes", { state: "running" }), 1);
  const appended = sampleValue(behind, "sandglass_log_appended_total") ?? 0;
  assert.ok(appended > (value("sandglass_log_appended_total") ?? 0));
  assert.equal(sampleValue(behind, "sandglass_log_last_position"), appended);
});

test("a slow bucket leads to a trace: the exemplar is the exec's own span", async () => {
  const family = (await scrape()).get("sandglass_exec_duration_seconds");
  assert.deepEqual([family?.type, family?.unit], ["histogram", "seconds"]);
  const exemplars = family?.samples.flatMap(({ labels, exemplar }) =>
    labels.language === "bash" && exemplar !== null ? [exemplar] : [],
  );
  assert.equal(exemplars?.length, 1);
  const { labels, value } = exemplars?.[0] ?? {};
  assert.equal(labels?.trace_id, TRACE_ID);
  const { json } = await callHttp(daemon, `GET /v1/traces/${TRACE_ID}`);
  const span = json.spans.find(({ spanId }: { spanId: string }) => spanId === labels?.span_id);
  assert.equal(span?.name, "sandbox.execute");
  assert.equal(span.durationMs / 1000, value);
});

test("both formats have the same series", async () => {
  const series = (families: Map<string, ParsedFamily>) =>
    [...families.values()].flatMap(({ samples }) => samples.map(({ name, labels }) => ({ name, labels })));
  await scrape();
  assert.deepEqual(series(await scrape("prometheus")), series(await scrape("openmetrics")));
});

test("nothing of sandboxes, organisations or users is in it", async () => {
  const execId = await exec({ command: `: ${WORD}` });
  for (const format of ["openmetrics", "prometheus"] as const) {
    const text = await scrapeText(format);
    for (const secret of [sandboxId, execId, WORD, "default", daemon.apiKey])
      assert.ok(!text.includes(secret), secret);
  }
});

test("every counter of a loss is there, and zero", async () => {
  const values = await scrape();
  for (const name of ["sandglass_events_lost_total", "sandglass_log_lines_dropped_total"])
    assert.equal(sampleValue(values, name), 0, name);
  for (const kind of ["write", "sync", "corrupt", "checkpoint", "subscriber"]) {
    assert.equal(sampleValue(values, "sandglass_log_errors_total", { kind }), 0, kind);
  }
});

test("the process is there by the names that every Prometheus client has", async () => {
  const values = await scrape();
  for (const name of [
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
    "process_start_time_seconds",
    "sandglass_event_loop_delay_seconds_count",
  ]) {
    assert.ok((sampleValue(values, name) ?? 0) > 0, name);
  }
  const fds = sampleValue(values, "process_open_fds") ?? 0;
  assert.ok(fds < (sampleValue(values, "process_max_fds") ?? 0), String(fds));
});

test("a key of another organisation gets nothing", async () => {
  const { json } = await callHttp(daemon, "POST /v1/keys", {
    json: { name: "user", orgId: "acme" },
  });
  const { status, text } = await callHttp(daemon, "GET /metrics", { apiKey: json.key });
  assert.equal(status, 403);
  assert.ok(!text.includes("sandglass_sandboxes"));
});
