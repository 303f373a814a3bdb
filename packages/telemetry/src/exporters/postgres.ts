import { SandglassError } from "@sandglass/protocol";
import { strictObject } from "@sandglass/protocol/schemas";
import { z } from "zod";
import { commonOptions, traitsOf } from "./common-options.ts";
import { defineExporter } from "./definition.ts";
import { readConnectionString } from "./postgres/connection-string.ts";
import { Connections } from "./postgres/connections.ts";
import { PostgresExporter } from "./postgres/postgres-exporter.ts";
import { checkNames, qualifiedName } from "./postgres/table-options.ts";
import { checkTls, readTls, tlsSchema } from "./postgres/tls-options.ts";
import { readSecret, secretSchema } from "./secret.ts";

const KEEP_ALIVE_MS = 10_000;

/**
 * Inserts events into a table of PostgreSQL, each exactly once. See docs/exporters/postgres.md.
 *
 * @example {provider: "postgres", config: {connectionString: "postgres://sandglass@db.internal/telemetry", partitionByDay: true}}
 */
export const postgres = defineExporter({
  provider: "postgres",
  mayRunInThread: true,
  schema: strictObject({
    /** `postgres://user:password@host:5432/database`; default: the environment variable DATABASE_URL. */
    connectionString: secretSchema.optional(),
    table: z.string().default("sandglass_events"),
    schema: z.string().default("public"),
    /** Makes the table where it is missing and adds columns to an older one. */
    createTable: z.boolean().default(true),
    /** `data` is JSONB; else TEXT. */
    useJsonColumn: z.boolean().default(true),
    /** Default: as the connection string says, which is no TLS where it says nothing. */
    ssl: tlsSchema.optional(),
    /** A partition for each day (UTC), so that old ones are dropped in no time. Cannot be changed for a table. */
    partitionByDay: z.boolean().default(false),
    ...commonOptions,
  }),
  prepare(options, { env, cwd, isTrusted }) {
    if (!isTrusted) {
      throw new SandglassError("INVALID_REQUEST", "an exporter to postgres needs a key with the scope admin");
    }
    const given = readSecret("connectionString", options.connectionString, env, "DATABASE_URL");
    if (given === undefined) {
      throw new SandglassError(
        "INVALID_REQUEST",
        "connectionString is missing, and so is the environment variable DATABASE_URL",
        { hint: "set one of them to postgres://user:password@host:5432/database" },
      );
    }
    checkNames(options);
    const tls = options.ssl === undefined ? undefined : checkTls(options.ssl, cwd);
    const target = readConnectionString(given, { overridesTls: tls !== undefined });
    const configure = async () => ({
      connectionString: target.connectionString,
      ...(tls !== undefined && { ssl: await readTls(tls) }),
      fallback_application_name: "sandglass",
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    });
    const create = () => new PostgresExporter(new Connections(configure), options);
    return {
      destination: `${target.shown}, table ${qualifiedName(options)}`,
      secrets: [given, target.connectionString, ...(target.password === undefined ? [] : [target.password])],
      traits: traitsOf(options, {
        order: "none",
        concurrency: 2,
        batchSize: 50,
        batchBytes: 8 * 1024 * 1024,
        flushIntervalMs: 2000,
        maxQueueSize: 2000,
        timeoutMs: 30_000,
        needsEvents: false,
      }),
      onError: options.onError,
      async verify(signal) {
        const exporter = create();
        try {
          await exporter.verify(signal);
        } finally {
          await exporter.shutdown();
        }
      },
      open: async () => create(),
    };
  },
});
