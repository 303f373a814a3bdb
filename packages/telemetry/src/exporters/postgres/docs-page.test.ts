import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { type PostgresServer, startPostgres } from "@sandglass/testkit";
import { testBatch } from "../http/testing/event-batch.ts";
import { openExporter, prepare, send } from "./testing/open-exporter.ts";
import { storyEvents } from "./testing/story-events.ts";

const LAYOUT = `
  SELECT attname, format_type(atttypid, NULL), attnotnull FROM pg_attribute
  WHERE attrelid = 'sandglass_events'::regclass AND attnum > 0 ORDER BY attname;
  SELECT regexp_replace(pg_get_indexdef(indexrelid), '.* USING ', '') FROM pg_index
  WHERE indrelid = 'sandglass_events'::regclass ORDER BY 1;`;
const DAY_MS = 24 * 3_600_000;
const page = readFileSync(join(import.meta.dirname, "../../../../../docs/exporters/postgres.md"), "utf8");
const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({
  language: language!,
  text: text!,
}));
const queries = blocks.flatMap(({ language, text }, index) => {
  if (language !== "sql") return [];
  const next = blocks[index + 1];
  return [{ sql: text, output: next?.language === "text" ? next.text : undefined }];
});

describe("the page docs/exporters/postgres.md", () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
    for (const name of ["plain", "by_day"]) await server.query(`CREATE DATABASE ${name}`);
  });
  after(() => server[Symbol.asyncDispose]());

  const urlOf = (database: string) => server.connectionString.replace(/postgres$/, database);
  const psql = async (database: string, sql: string) => {
    const args = ["--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--dbname", urlOf(database)];
    const child = promisify(execFile)(join(server.binDir, "psql"), args, {
      env: { PGTZ: "UTC", LC_ALL: "C.UTF-8" },
    });
    child.child.stdin?.end(sql);
    return (await child).stdout;
  };

  test("has configurations that are accepted", () => {
    const configs = blocks.filter(({ language }) => language === "json").map(({ text }) => JSON.parse(text));
    assert.ok(configs.length > 0);
    for (const { observability } of configs) {
      for (const { provider, config } of observability.exporters) {
        assert.equal(provider, "postgres");
        const context = { env: { DATABASE_URL: "postgres://u:p@db.internal/telemetry" } };
        assert.match(prepare(config, context).destination, /^postgres:\/\//);
      }
    }
  });

  test("has statements that run as written and answer as shown", async (t) => {
    const events = storyEvents(Date.now());
    const [makesTable, ...others] = queries;
    assert.match(makesTable?.sql ?? "", /CREATE TABLE sandglass_events/);
    await psql("plain", makesTable!.sql);
    const plain = await openExporter(t, { connectionString: urlOf("plain"), createTable: false });
    assert.deepEqual(await send(plain, testBatch(events)), { status: "ok" });
    await prepare({ connectionString: server.connectionString }).verify!(AbortSignal.timeout(20_000));
    assert.equal(
      await psql("plain", LAYOUT),
      await psql("postgres", LAYOUT),
      "it is not the table that is made",
    );

    const byDay = await openExporter(t, { connectionString: urlOf("by_day"), partitionByDay: true });
    const old = [33, 32, 31, 1].map((days, index) => {
      return { ...events[index]!, timestamp: new Date(Date.now() - days * DAY_MS).toISOString() };
    });
    assert.deepEqual(await send(byDay, testBatch(old)), { status: "ok" });

    assert.ok(others.length >= 8);
    for (const { sql, output } of others) {
      const answer = await psql(sql.includes("pg_inherits") ? "by_day" : "plain", sql);
      assert.equal(trimmed(answer), trimmed(output ?? ""), sql);
    }
    const partitions = await psql(
      "by_day",
      "SELECT count(*) FROM pg_inherits WHERE inhparent = 'sandglass_events'::regclass",
    );
    assert.match(partitions, /^\s+1$/m);
  });

  test("tells the defaults as they are", () => {
    const { traits } = prepare({ connectionString: "postgres://h/d" });
    for (const name of [
      "batchSize",
      "flushIntervalMs",
      "batchBytes",
      "maxQueueSize",
      "timeoutMs",
      "concurrency",
    ] as const) {
      const [, shown] = new RegExp(`^\\| \`${name}\` \\| ([\\d,]+)`, "m").exec(page) ?? [];
      assert.equal(Number(shown?.replaceAll(",", "")), traits[name], name);
    }
  });
});

/** Without spaces at the ends of lines, which psql writes and a page does not keep. */
function trimmed(text: string): string {
  return text.replace(/ +$/gm, "").trimEnd();
}
