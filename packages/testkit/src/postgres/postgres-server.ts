import { once } from "node:events";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, type QueryResultRow } from "pg";
import { giveToPostgres, postgresProgram, runAsPostgres, runPostgresProgram } from "./postgres-programs.ts";
import { type Postmaster, startPostmaster } from "./postmaster.ts";

export interface StartPostgresOptions {
  /** Of the superuser `postgres`, asked for by SCRAM. Default: none, every local connection is trusted. */
  password?: string;
  /** It takes TLS, with a certificate for 127.0.0.1 that only {@link PostgresServer.certificateFile} vouches for. Default false. */
  hasTls?: boolean;
  /** Lines of postgresql.conf, e.g. `{wal_level: "logical"}`; over the defaults here, which are made for speed (no fsync). */
  settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL of its own, on 127.0.0.1, that can be stopped, killed and started again at the same port. */
export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** `postgres://postgres@127.0.0.1:<port>/postgres`, with the password where it has one. */
  readonly connectionString: string;
  /** Its programs: psql and others. */
  readonly binDir: string;
  /** PEM; there where it takes TLS. */
  readonly certificateFile: string;
  /** Runs one text of SQL in a connection of its own. */
  query<Row extends QueryResultRow = QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Starts it again after `stop` or `kill`, and resolves when it takes connections. */
  start(): Promise<void>;
  /** "fast" ends sessions and writes everything; "immediate" leaves recovery to the next start. */
  stop(mode?: "fast" | "immediate"): Promise<void>;
  /** SIGKILL of the postmaster and every process of it. */
  kill(): Promise<void>;
  /** What it logged so far, over all its starts. */
  logs(): string;
}

const SPEED = {
  fsync: "off",
  full_page_writes: "off",
  shared_buffers: "32MB",
  max_connections: "50",
  max_wal_senders: "4",
  log_parameter_max_length: "0",
} as const;

/**
 * Makes a cluster in a temporary directory and starts it. As root, its processes are those of the user `postgres`.
 *
 * @throws Error where PostgreSQL is not installed, or with what it logged where it does not start
 * @example
 * await using server = await startPostgres()
 * await server.query("SELECT 1")
 */
export async function startPostgres(options: StartPostgresOptions = {}): Promise<PostgresServer> {
  const { password } = options;
  return openCluster(options, async (home, dataDir) => {
    const passwordFile = join(home, "password");
    await writeFile(passwordFile, password ?? "", { mode: 0o600 });
    await giveToPostgres(passwordFile);
    await runPostgresProgram("initdb", [
      ...["--pgdata", dataDir, "--username", "postgres", "--encoding", "UTF8", "--locale", "C", "--no-sync"],
      ...["--auth-local", "trust", "--auth-host", password === undefined ? "trust" : "scram-sha-256"],
      ...(password === undefined ? [] : ["--pwfile", passwordFile]),
    ]);
    if (options.hasTls === true) await takeTls(home, dataDir);
  });
}

/** A server on a cluster that `create` puts into an empty directory. */
export async function openCluster(
  options: StartPostgresOptions,
  create: (home: string, dataDir: string) => Promise<void>,
): Promise<PostgresServer> {
  const { password } = options;
  const home = await mkdtemp(join(tmpdir(), "sandglass-postgres-"));
  const dataDir = join(home, "data");
  const port = await freePort();
  const user = password === undefined ? "postgres" : `postgres:${encodeURIComponent(password)}`;
  const connectionString = `postgres://${user}@127.0.0.1:${port}/postgres`;
  let text = "";
  let postmaster: Postmaster | undefined;

  const server: PostgresServer = {
    port,
    connectionString,
    binDir: postgresProgram(""),
    certificateFile: certificateIn(home),
    async query<Row extends QueryResultRow>(sql: string, values?: unknown[]) {
      const client = new Client({ connectionString, connectionTimeoutMillis: 10_000 });
      // A server that is stopped beneath it says so to the query as well.
      client.on("error", () => {});
      await client.connect();
      try {
        return (await client.query<Row>(sql, values)).rows;
      } finally {
        await client.end();
      }
    },
    async start() {
      const settings = { ...SPEED, ...options.settings };
      postmaster = await startPostmaster({
        home,
        dataDir,
        port,
        settings,
        onLog: (chunk) => (text += chunk),
      });
    },
    async stop(mode = "fast") {
      await postmaster?.end(mode === "fast" ? "SIGINT" : "SIGQUIT");
    },
    async kill() {
      await postmaster?.kill();
    },
    logs: () => text,
    async [Symbol.asyncDispose]() {
      await server.stop("immediate");
      await rm(home, { recursive: true, force: true });
    },
  };
  try {
    await giveToPostgres(home);
    await create(home, dataDir);
    await server.start();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

const certificateIn = (home: string): string => join(home, "server.crt");

async function takeTls(home: string, dataDir: string): Promise<void> {
  const key = join(home, "server.key");
  await runAsPostgres("openssl", [
    ...["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"],
    ...["-keyout", key, "-out", certificateIn(home)],
    ...["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
  ]);
  const lines = ["ssl = on", `ssl_cert_file = '${certificateIn(home)}'`, `ssl_key_file = '${key}'`];
  await appendFile(join(dataDir, "postgresql.conf"), `${lines.join("\n")}\n`);
}

async function freePort(): Promise<number> {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const address = holder.address();
  holder.close();
  await once(holder, "close");
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}
