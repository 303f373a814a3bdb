import { startPostgres } from "@sandglass/testkit";
import type { Destination } from "./destination.ts";

/** Stopped in order, stopped at once, or killed. */
export async function postgresDestination(): Promise<Destination> {
  const server = await startPostgres();
  const config = {
    connectionString: server.connectionString,
    batchSize: 200,
    flushIntervalMs: 100,
    timeoutMs: 3_000,
  };
  const types = ["*", "!agent.thinking"];
  return {
    exporter: { id: "postgres", provider: "postgres", config, filter: { types }, startAt: "earliest" },
    wants: ({ type }) => type !== "agent.thinking",
    exactlyOnce: true,
    async fail(random) {
      switch (random.int(3)) {
        case 0:
          await server.stop("fast");
          break;
        case 1:
          await server.stop("immediate");
          break;
        default:
          await server.kill();
      }
      return () => server.start();
    },
    async copies() {
      const rows = await server.query("SELECT id, count(*)::int AS count FROM sandglass_events GROUP BY id");
      return new Map(rows.map(({ id, count }) => [String(id), Number(count)]));
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
