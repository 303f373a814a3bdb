import assert from "node:assert/strict";
import { test } from "node:test";
import { prepare } from "./postgres/testing/open-exporter.ts";

const URL_WITH_SECRET = "postgres://me:h%2Funter2@db.internal:6432/telemetry?sslmode=require";

test("the destination is shown without user and password, which are told as secrets", () => {
  const { destination, secrets } = prepare({ connectionString: URL_WITH_SECRET, table: "My events" });
  assert.equal(destination, 'postgres://db.internal:6432/telemetry, table "public"."My events"');
  assert.ok(secrets.includes(URL_WITH_SECRET));
  assert.ok(secrets.includes("h/unter2"));
});

test("the connection string comes from the option, a variable it names, or DATABASE_URL", () => {
  const env = { DATABASE_URL: "postgres://a/one", OTHER: "postgresql://b:1/two" };
  const shown = (config: Record<string, unknown>) => prepare(config, { env }).destination.split(",")[0];
  assert.equal(shown({}), "postgres://a:5432/one");
  assert.equal(shown({ connectionString: { env: "OTHER" } }), "postgres://b:1/two");
  assert.equal(shown({ connectionString: "postgres:///three" }), "postgres://localhost:5432/three");
  assert.equal(
    shown({ connectionString: "postgres://u:p@/four?host=/run/pg" }),
    "postgres:///four?host=/run/pg",
  );
});

test("defaults are those of the documentation", () => {
  const { destination, traits } = prepare({ connectionString: "postgres://h/d" });
  assert.match(destination, /table "public"."sandglass_events"$/);
  assert.equal(traits.batchSize, 50);
  assert.equal(traits.flushIntervalMs, 2000);
  assert.equal(traits.order, "none");
  assert.equal(traits.concurrency, 2);
});

const refused: [name: string, config: Record<string, unknown>, message: RegExp][] = [
  [
    "no connection string",
    {},
    /connectionString is missing, and so is the environment variable DATABASE_URL/,
  ],
  ["a variable that is not set", { connectionString: { env: "NOPE" } }, /NOPE, which is not set/],
  [
    "another database's URL",
    { connectionString: "mysql://u:hunter2@h/d" },
    /connectionString must be a URL like postgres:/,
  ],
  [
    "no URL",
    { connectionString: "host=h password=hunter2" },
    /connectionString must be a URL like postgres:/,
  ],
  ["a stray %", { connectionString: "postgres://u:hunter2%zz@h/d" }, /connectionString has a %/],
  [
    "a table name that PostgreSQL would cut",
    { connectionString: "postgres://h/d", table: "ä".repeat(32) },
    /table must be at most 63 bytes, not 64/,
  ],
  [
    "one whose partitions' it would cut",
    { connectionString: "postgres://h/d", table: "x".repeat(55), partitionByDay: true },
    /table must be at most 54 bytes/,
  ],
  ["an empty schema", { connectionString: "postgres://h/d", schema: "" }, /schema must not be empty/],
  [
    "a certificate that is not there",
    { connectionString: "postgres://h/d", ssl: { ca: "/nowhere.pem" } },
    /ssl.ca cannot be read/,
  ],
  [
    "an option that does not exist",
    { connectionString: "postgres://h/d", tabel: "x" },
    /did you mean \\"table\\"/,
  ],
  ["ssl of the wrong type", { connectionString: "postgres://h/d", ssl: "yes" }, /must be true, false, or/],
];
for (const [name, config, message] of refused) {
  test(`refused at start, without the password: ${name}`, () => {
    assert.throws(
      () => prepare(config),
      (error: Error) => message.test(error.message) && !error.message.includes("hunter2"),
    );
  });
}

test("only who may reach the host's own network may name a database", () => {
  const prepared = () => prepare({ connectionString: "postgres://h/d" }, { isTrusted: false });
  assert.throws(prepared, /needs a key with the scope admin/);
});
