/** Every configuration that the exporters' pages show, in a daemon that runs, with the services it names played by a server here. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { ExporterInfo, ExporterSpec } from "@sandglass/protocol";
import {
  callHttp,
  FaultyServer,
  type SinkRequest,
  startDaemon,
  type TestDaemon,
  until,
} from "@sandglass/testkit";

const PAGES = new URL("../../docs/exporters/", import.meta.url);
const SECRETS = {
  AXIOM_TOKEN: "xaat-documented",
  DATABASE_URL: "postgres://sandglass:documented@127.0.0.1:9/telemetry",
  GRAFANA_AUTH: "Basic Z3JhZmFuYQ==",
  HONEYCOMB_API_KEY: "hcaik-documented",
  LANGFUSE_AUTH: "Basic bGFuZ2Z1c2U=",
  SANDGLASS_HOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString("base64")}`,
};
/** Where the page says that its service takes spans or events, and what it knows the sender by. */
const ARRIVES: Readonly<Record<string, { path: string; header?: readonly [name: string, value: string] }>> = {
  axiom: {
    path: "/v1/datasets/sandglass-events/ingest",
    header: ["authorization", `Bearer ${SECRETS.AXIOM_TOKEN}`],
  },
  datadog: { path: "/v1/metrics" },
  "grafana-cloud": { path: "/otlp/v1/logs", header: ["authorization", SECRETS.GRAFANA_AUTH] },
  honeycomb: { path: "/v1/traces", header: ["x-honeycomb-team", SECRETS.HONEYCOMB_API_KEY] },
  jaeger: { path: "/v1/traces" },
  langfuse: {
    path: "/api/public/otel/v1/traces",
    header: ["authorization", SECRETS.LANGFUSE_AUTH],
  },
  otel: { path: "/v1/traces" },
  README: { path: "/v1/logs" },
  webhook: { path: "/hooks/sandglass" },
};
/** Written where nothing answers: its own page's test has a real server. */
const WAITS = "postgres";

interface Documented {
  page: string;
  exporters: ExporterSpec[];
}

const documented: Documented[] = readdirSync(PAGES).flatMap((file) => {
  const blocks = [...readFileSync(new URL(file, PAGES), "utf8").matchAll(/^```json\n(.*?)^```$/gms)];
  return blocks.map(([, text]) => {
    const { observability } = JSON.parse(text!);
    return { page: file.replace(".md", ""), exporters: observability.exporters ?? [observability] };
  });
});

/** What Axiom answers where it took every line. */
function ingested({ body }: SinkRequest): string {
  const lines = gunzipSync(body).toString("utf8").trimEnd().split("\n");
  return JSON.stringify({ ingested: lines.length, failed: 0, failures: [] });
}

describe("a configuration of the exporters' pages", () => {
  const running = new AsyncDisposableStack();
  let home: string;
  let daemon: TestDaemon;
  let service: FaultyServer;
  const received: SinkRequest[] = [];
  before(async () => {
    home = await mkdtemp(join(tmpdir(), "sandglass-documented-"));
    running.defer(() => rm(home, { recursive: true }));
    service = running.use(
      await FaultyServer.start((request) => {
        received.push(request);
        return { status: 200, body: request.path.endsWith("/ingest") ? ingested(request) : "" };
      }),
    );
    const config = join(home, "sandglass.config.json");
    await writeFile(config, "{}");
    daemon = running.use(
      await startDaemon({
        args: ["--pool", "python=0"],
        env: { ...SECRETS, SANDGLASS_CONFIG: config, SANDGLASS_COLLECTOR_ENABLED: "false" },
      }),
    );
    const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes", { json: { template: "python" } });
    assert.equal((await callHttp(daemon, `DELETE /v1/sandboxes/${sandbox.id}`)).status, 204);
    const { json: run } = await callHttp(daemon, "POST /v1/runs", { json: { name: "documented" } });
    const data = {
      name: "documented",
      status: "ok",
      durationMs: 5,
      costUsd: 0,
      inputTokens: 1,
      outputTokens: 2,
    };
    const events = [{ type: "run.completed", data }];
    const added = await callHttp(daemon, `POST /v1/runs/${run.runId}/events`, { json: { events } });
    assert.equal(added.status, 201);
  });
  after(() => running.disposeAsync());

  /** Has the daemon take exactly these, and begin with all that is recorded. */
  async function configure(exporters: readonly ExporterSpec[]): Promise<void> {
    const text = JSON.stringify({ observability: { exporters } });
    await writeFile(join(home, "sandglass.config.json"), text);
    const said = daemon.logs().length;
    process.kill(daemon.pid, "SIGHUP");
    await until("the configuration is taken", () => /configuration reloaded/.test(daemon.logs().slice(said)));
  }

  test("is there for each provider of ours, and for each service that has a page", () => {
    const pages = new Set(documented.map(({ page }) => page));
    const expected = readdirSync(PAGES).map((file) => file.replace(".md", ""));
    assert.deepEqual([...pages].toSorted(), expected.filter((page) => page !== "custom").toSorted());
  });

  for (const [number, { page, exporters }] of documented.entries()) {
    test(`starts and delivers as it stands: ${page}, ${exporters.map(({ provider }) => provider).join(" and ")}`, async () => {
      received.length = 0;
      const specs = exporters.map((exporter, index): ExporterSpec => {
        const text = JSON.stringify(exporter).replace(/https?:\/\/[^"/]+/g, service.url);
        const spec = JSON.parse(text) as ExporterSpec;
        const config = { ...spec.config, ...(spec.provider === "axiom" && { url: service.url }) };
        return { ...spec, config, id: `n${number}-${index}`, startAt: "earliest" };
      });
      await configure(specs);
      const ids = specs.filter(({ provider }) => provider !== WAITS).map(({ id }) => id!);
      if (ids.length > 0) {
        const flushed = await callHttp(daemon, "POST /v1/exporters/flush", { json: { ids } });
        assert.equal(flushed.json.pending, 0, flushed.text);
      }
      const items: ExporterInfo[] = (await callHttp(daemon, "GET /v1/exporters")).json.items;
      assert.deepEqual(
        items.map(({ id, provider }) => [id, provider]),
        specs.map(({ id, provider }) => [id, provider]),
      );
      for (const { id, provider, counts, lastError } of items.filter((item) => item.provider !== WAITS)) {
        assert.equal(lastError, undefined, `${id} (${provider})`);
        assert.deepEqual(counts.dropped, {});
      }
      const { path, header } = ARRIVES[page] ?? {};
      if (path === undefined) return;
      const request = received.find((candidate) => candidate.path.split("?")[0] === path);
      assert.ok(request, `nothing came to ${path}, but to ${received.map((each) => each.path).join(", ")}`);
      if (header) assert.equal(request.headers[header[0]], header[1]);
    });
  }

  test("shows none of its secrets in what the daemon logs", () => {
    for (const secret of Object.values(SECRETS)) assert.ok(!daemon.logs().includes(secret));
  });
});
