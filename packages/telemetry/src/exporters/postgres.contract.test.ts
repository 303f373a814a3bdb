import { chown, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after } from "node:test";
import {
  type ExporterHarness,
  exporterContract,
  type Fault,
  NO_FILES,
  type PostgresServer,
  selfSignedCertificate,
  startPostgres,
  type Tampering,
  TamperingProxy,
  UNRESOLVABLE_HOST,
} from "@sandglass/testkit";
import { Client } from "pg";
import { postgres } from "./postgres.ts";

const PASSWORD = "contract/pass word-4711";
let started: Promise<PostgresServer> | undefined;
let harnesses = 0;

after(async () => {
  await (await started)?.[Symbol.asyncDispose]();
});

exporterContract("postgres", {
  guarantees: { exactlyOnce: true, order: "none" },
  mayRunInThread: true,
  excused: {
    ...NO_FILES,
    retryAfter: "it names no time",
    partialSuccess: "a statement is all or nothing",
  },
  start: postgresHarness,
});

/** One for all: it speaks TLS to those who ask, with a certificate that no authority signed. */
async function startServer(): Promise<PostgresServer> {
  const server = await startPostgres({ password: "of the superuser" });
  const [row] = await server.query("SHOW data_directory");
  const dir = String(row?.data_directory);
  const { uid, gid } = await stat(dir);
  const { cert, key } = selfSignedCertificate();
  for (const [file, text] of [
    [join(dir, "server.crt"), cert],
    [join(dir, "server.key"), key],
  ] as const) {
    await writeFile(file, text, { mode: 0o600 });
    await chown(file, uid, gid);
  }
  await server.query("ALTER SYSTEM SET ssl = on");
  await server.query("SELECT pg_reload_conf()");
  return server;
}

/** A role and a schema of its own on that server, behind a proxy of its own. */
async function postgresHarness(): Promise<ExporterHarness> {
  started ??= startServer();
  const server = await started;
  const name = `contract_${++harnesses}`;
  await server.query(`CREATE ROLE ${name} LOGIN PASSWORD '${PASSWORD}'`);
  await server.query(`CREATE SCHEMA ${name} AUTHORIZATION ${name}`);
  const proxy = await TamperingProxy.start(server.port);
  const urlAt = (hostAndPort: string) =>
    `postgres://${name}:${encodeURIComponent(PASSWORD)}@${hostAndPort}/postgres`;
  const env = {
    DATABASE: urlAt(`127.0.0.1:${proxy.port}`),
    ELSEWHERE: urlAt(`${UNRESOLVABLE_HOST}:5432`),
  };
  const traits = { batchSize: 20, flushIntervalMs: 10 };
  const config = { connectionString: { env: "DATABASE" }, schema: name, ...traits };
  const begin = async (tampering: Tampering, says?: RegExp): Promise<Fault> => {
    proxy.tamper(tampering);
    return { end: async () => proxy.tamper("pass"), ...(says && { says }) };
  };
  const table = `${name}.sandglass_events`;
  const makeTable = async () => {
    const context = { env, cwd: "/", isTrusted: true, ownOrigins: [] };
    await postgres.prepare(postgres.schema.parse(config), context).verify?.(AbortSignal.timeout(5_000));
  };
  return {
    definition: postgres,
    config: () => config,
    env,
    secrets: [PASSWORD, encodeURIComponent(PASSWORD)],
    async received() {
      const [known] = await server.query(`SELECT to_regclass('${table}') AS name`);
      if (known?.name === null) return [];
      const rows = await server.query(`SELECT id, sandbox_id, seq FROM ${table}`);
      return rows.map(({ id, sandbox_id, seq }) => ({ id, sandboxId: sandbox_id ?? "", seq: Number(seq) }));
    },
    async close() {
      await proxy[Symbol.asyncDispose]();
    },
    faults: {
      async unavailable() {
        await server.stop();
        return { end: () => server.start(), says: /ECONNREFUSED|terminat|closed|reset|shut/i };
      },
      async hang() {
        const blocker = new Client({ connectionString: server.connectionString });
        await blocker.connect();
        await blocker.query("BEGIN");
        await blocker.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
        return { end: () => blocker.end() };
      },
      slowDrip: () => begin("drip"),
      resetMidBody: () => begin("cut", /reset|terminated|closed/i),
      wrongContentType: () => begin("page", /terminated|closed|reset|unexpected|timed out/i),
      async unauthorized() {
        await server.query(`ALTER ROLE ${name} PASSWORD 'another'`);
        await server.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${name}'`,
        );
        return {
          end: async () => void (await server.query(`ALTER ROLE ${name} PASSWORD '${PASSWORD}'`)),
          says: /password authentication failed/,
        };
      },
      dnsFailure: async () => ({
        config: { ...config, connectionString: { env: "ELSEWHERE" } },
        end: async () => undefined,
      }),
      tlsFailure: async () => ({
        config: { ...config, ssl: true },
        end: async () => undefined,
      }),
      async poison(marker) {
        await makeTable();
        await server.query(
          `ALTER TABLE ${table} ADD CONSTRAINT no_poison CHECK (data::text NOT LIKE '%${marker}%')`,
        );
        return {
          end: async () => void (await server.query(`ALTER TABLE ${table} DROP CONSTRAINT no_poison`)),
          says: /no_poison/,
        };
      },
    },
  };
}
