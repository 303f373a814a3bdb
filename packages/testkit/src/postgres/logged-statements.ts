import { randomUUID } from "node:crypto";
import { until } from "../until.ts";
import type { PostgresServer } from "./postgres-server.ts";

const STATEMENT = /LOG: {2}(?:execute ([^:]+)|statement): (.*)/;

/** A statement as the server logs it: its first line. */
export interface LoggedStatement {
  /** Of a prepared statement, `<unnamed>` where it has none; undefined for one that was sent as text. */
  readonly name: string | undefined;
  readonly text: string;
}

/** The statements that arrive at a server while `work` runs. */
export async function loggedStatements(
  server: PostgresServer,
  work: () => Promise<unknown>,
): Promise<LoggedStatement[]> {
  const [begin, end] = [randomUUID(), randomUUID()];
  await setLogging(server, "SET log_statement = 'all'", "all");
  await server.query(`SELECT '${begin}'`);
  try {
    await work();
  } finally {
    await server.query(`SELECT '${end}'`);
    await setLogging(server, "RESET log_statement", "none");
  }
  await until("the server has logged the end", () => server.logs().includes(end));
  const lines = server.logs().split("\n");
  const at = (marker: string) => lines.findIndex((line) => line.includes(marker));
  return lines.slice(at(begin) + 1, at(end)).flatMap((line) => {
    const [, name, text] = STATEMENT.exec(line) ?? [];
    return text === undefined ? [] : [{ name, text }];
  });
}

async function setLogging(server: PostgresServer, change: string, expected: string): Promise<void> {
  await server.query(`ALTER SYSTEM ${change}`);
  await server.query("SELECT pg_reload_conf()");
  await until("the server has read its settings", async () => {
    const [row] = await server.query<{ log_statement: string }>("SHOW log_statement");
    return row?.log_statement === expected;
  });
}
