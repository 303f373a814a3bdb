import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { callHttp, startDaemon, type TestDaemon } from "@sandglass/testkit";

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon({ args: ["--pool", "python=1"] });
});
after(() => daemon.stop());

/** Values by name and labels, each line read by the letter of the format. */
async function scrape(): Promise<Map<string, number>> {
  const { status, headers, text } = await callHttp(daemon, "GET /metrics");
  assert.deepEqual([status, headers["content-type"]], [200, "text/plain; version=0.0.4; charset=utf-8"]);
  assert.ok(text.endsWith("\n"));
  const values = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.slice(0, -1).split("\n")) {
    const type = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line);
    if (type !== null) types.set(type[1] ?? "", type[2] ?? "");
    if (line.startsWith("# ")) continue;
    const sample =
      /^([a-z_]+)(\{[a-z]+="(?:[^"\\]|\\.)*"(?:,[a-z]+="(?:[^"\\]|\\.)*")*\})? (-?[0-9.e+-]+)$/.exec(line);
    assert.ok(sample !== null, line);
    const [, name = "", labels = "", value] = sample;
    assert.ok(types.has(name) || types.get(name.replace(/_(bucket|sum|count)$/, "")) === "histogram", line);
    assert.ok(!values.has(name + labels), `twice: ${line}`);
    values.set(name + labels, Number(value));
  }
  return values;
}

test("what happened is counted: sandboxes, execs by cause, requests by route, the log", async () => {
  const { json } = await callHttp(daemon, "POST /v1/sandboxes", { json: { template: "bash" } });
  for (const command of ["true", "false", "kill -9 $$"]) {
    await callHttp(daemon, `POST /v1/sandboxes/${json.id}/exec`, { json: { command } });
  }
  const during = await scrape();
  assert.equal(during.get('sandglass_sandboxes{state="running"}'), 1);
  assert.equal(during.get('sandglass_execs_total{cause="exited"}'), 2);
  assert.equal(during.get('sandglass_execs_total{cause="killed"}'), 1);
  assert.equal(during.get('sandglass_pool_target{template="python"}'), 1);
  assert.equal(
    during.get('sandglass_http_requests_total{method="POST",route="/v1/sandboxes",status="201"}'),
    1,
  );
  await callHttp(daemon, `DELETE /v1/sandboxes/${json.id}`);
  const behind = await scrape();
  assert.equal(behind.get('sandglass_sandboxes_terminated_total{cause="user"}'), 1);
  assert.equal(behind.get('sandglass_sandboxes{state="running"}') ?? 0, 0);
  const appended = behind.get("sandglass_log_appended_total") ?? 0;
  assert.ok(appended > (during.get("sandglass_log_appended_total") ?? 0));
  assert.equal(behind.get("sandglass_log_last_position"), appended);
  const route = 'route="/v1/sandboxes/{id}/exec"';
  assert.equal(behind.get(`sandglass_http_request_duration_seconds_count{${route}}`), 3);
  assert.equal(behind.get(`sandglass_http_request_duration_seconds_bucket{${route},le="+Inf"}`), 3);
});

test("every counter of a loss is there, and zero", async () => {
  const values = await scrape();
  for (const name of ["sandglass_events_lost_total", "sandglass_log_lines_dropped_total"])
    assert.equal(values.get(name), 0, name);
  for (const kind of ["write", "sync", "corrupt", "checkpoint", "subscriber"]) {
    assert.equal(values.get(`sandglass_log_errors_total{kind="${kind}"}`), 0, kind);
  }
});
