import { until } from "../until.ts";
import { runPostgresProgram } from "./postgres-programs.ts";
import { openCluster, type PostgresServer } from "./postgres-server.ts";

/** A copy that follows a primary and can take its place. */
export interface PostgresStandby extends PostgresServer {
  /** Ends following, and resolves when it takes writes. */
  promote(): Promise<void>;
}

/**
 * Copies a running server and follows it synchronously: from then on the primary acknowledges a commit when the standby has it
 * on disk. Resolves when that is so. The primary must trust connections (no password).
 *
 * @example
 * await using standby = await startStandby(primary)
 * await primary.kill()
 * await standby.promote()
 */
export async function startStandby(primary: PostgresServer): Promise<PostgresStandby> {
  const source = `host=127.0.0.1 port=${primary.port} user=postgres application_name=standby`;
  const server = await openCluster({}, async (_home, dataDir) => {
    await runPostgresProgram("pg_basebackup", [
      ...["--pgdata", dataDir, "--dbname", source, "--wal-method", "stream"],
      ...["--write-recovery-conf", "--checkpoint", "fast", "--no-sync"],
    ]);
  });
  await primary.query("ALTER SYSTEM SET synchronous_standby_names = 'standby'");
  await primary.query("SELECT pg_reload_conf()");
  await until("the standby is synchronous", async () => {
    const rows = await primary.query("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'");
    return rows.length === 1;
  });
  return {
    ...server,
    async promote() {
      await server.query("SELECT pg_promote(wait => true)");
      // The copy may have brought along that commits wait for a standby; nobody follows this one.
      await server.query("ALTER SYSTEM RESET synchronous_standby_names");
      await server.query("SELECT pg_reload_conf()");
    },
  };
}
