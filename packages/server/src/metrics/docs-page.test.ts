import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { RuntimeEvent } from "@sandglass/protocol";
import { loadConfig } from "../config.ts";
import { Sandglass } from "../sandglass.ts";
import { renderText } from "./exposition.ts";
import { type Family, toLabelName } from "./family.ts";
import { Metrics } from "./metrics.ts";
import { COLLECTOR_STATS } from "./testing/collector-stats.ts";
import { parseMetrics } from "./testing/parse-metrics.ts";
import { STATUS_STATS } from "./testing/status-stats.ts";

const page = readFileSync(join(import.meta.dirname, "../../../../docs/metrics.md"), "utf8");
const rows = page.split("\n").filter((line) => line.startsWith("| `"));
const PLACE = { timestamp: "2026-04-18T14:00:00.000000Z", traceId: "a".repeat(32), spanId: "b".repeat(16) };

describe("the page docs/metrics.md", () => {
  let families: Family[];
  let dataDir: string;
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "sandglass-metrics-"));
    const exporter = { provider: "jsonl", config: { filePath: "events.jsonl" } } as const;
    const options = { dataDir, pool: { python: 0 }, observability: exporter };
    const loaded = await loadConfig({ options, env: {}, cwd: dataDir });
    const metrics = new Metrics(() => 0);
    await using sandglass = await Sandglass.open(loaded);
    const { runtime, recorder, observability } = sandglass;
    const data = {
      cause: "exited",
      kind: "code",
      language: "python",
      source: "pool",
      method: "GET",
      route: "/",
    };
    for (const type of ["exec.completed", "sandbox.created", "http.request"])
      metrics.count({
        ...PLACE,
        type,
        data: { ...data, status: 200, durationMs: 1 },
      } as unknown as RuntimeEvent);
    metrics.readers.collected({ type: "t", name: "n" }, 1);
    metrics.readers.exported({ type: "t", name: "n" }, 1, 1, "retry");
    metrics.readers.inFlight({ type: "t", name: "n" }, 0);
    const collector = { snapshot: () => COLLECTOR_STATS };
    const status = { stats: () => STATUS_STATS };
    const store = {
      state: () => ({ positions: { events: 1, telemetry: 1 }, skipped: 0, sizeBytes: 1, expired: 0, lag: 0 }),
    };
    families = metrics.collect({ runtime, recorder, observability, loaded, collector, store, status });
    metrics.close();
  });
  after(() => rm(dataDir, { recursive: true, force: true }));

  test("has every metric, with its type, its name over OTLP and its labels, and no other", () => {
    for (const { kind, textName, name, points } of families) {
      const suffix = kind === "counter" ? "_total" : kind === "info" ? "_info" : "";
      const type = kind === "updown" || kind === "info" ? "gauge" : kind;
      const row = rows.find((line) => line.startsWith(`| \`${textName}${suffix}\` | ${type} |`));
      assert.ok(row !== undefined, `${textName}${suffix}, a ${type}`);
      assert.ok(kind === "info" || row.includes(`| \`${name}\` |`), `${textName}: ${name}`);
      const labels = new Set(points.flatMap((point) => Object.keys(point.labels ?? {}).map(toLabelName)));
      for (const label of labels) assert.ok(row.includes(`\`${label}\``), `${textName}: the label ${label}`);
    }
    const known = new Set(families.map(({ textName }) => textName));
    const named = rows.flatMap((line) => /^\| `([a-z]+_[a-z_]+)` \|/.exec(line)?.[1] ?? []);
    const strange = named.filter(
      (name) => !known.has(name.replace(/_(total|info)$/, "")) && !known.has(name),
    );
    assert.deepEqual(strange, []);
  });

  test("shows an example that a scraper would take", () => {
    const example = /^```openmetrics\n(.*?)^```$/ms.exec(page)?.[1];
    assert.ok(example !== undefined);
    const shown = parseMetrics(`${example}# EOF\n`, "openmetrics");
    const real = parseMetrics(renderText(families, "openmetrics"), "openmetrics");
    assert.ok(shown.size > 3);
    for (const [name, { type, unit, help }] of shown) {
      const now = real.get(name);
      assert.deepEqual([type, unit, help], [now?.type, now?.unit, now?.help], name);
    }
  });

  test("asks only for metrics that there are", () => {
    const names = new Set(
      families.flatMap(({ textName }) => [textName, `${textName}_total`, `${textName}_bucket`]),
    );
    const queries = [
      ...page.replaceAll("nodejs_eventloop_state", "").matchAll(/^```promql\n(.*?)^```$/gms),
    ].map(([, text]) => text!);
    assert.ok(queries.length > 0);
    const asked = queries.flatMap((text) => [
      ...text.replaceAll(/#.*$/gm, "").matchAll(/\b(?:sandglass|otel|otelcol|process|nodejs)_[a-z_]+/g),
    ]);
    assert.deepEqual(
      asked.map(([name]) => name).filter((name) => !names.has(name)),
      [],
    );
  });
});
