import type { Client } from "pg";
import type { EventBatch, Exporter, ExportResult } from "../../delivery/exporter.ts";
import { columnsOf } from "./columns.ts";
import type { Connections } from "./connections.ts";
import {
  describeDatabaseError,
  isAboutRows,
  isLostStatement,
  isMissingPartition,
  RowsRefusedError,
  sqlState,
} from "./database-error.ts";
import { createDayPartitions, daysOf } from "./day-partitions.ts";
import { ensureTable } from "./ensure-table.ts";
import { type EventRows, toRows } from "./event-rows.ts";
import { insertStatement } from "./insert-statement.ts";
import type { TableOptions } from "./table-options.ts";

/**
 * Writes something that is worth nothing, and so waits for whatever a commit waits for: a synchronous standby. An insert that
 * finds every event there already writes nothing and waits for nothing, also where the standby does not have them yet.
 */
const WAIT_FOR_STANDBY = "SELECT pg_logical_emit_message(true, 'sandglass', '')";

/** Inserts events: each is in the table exactly once, however often it comes. */
export class PostgresExporter implements Exporter {
  readonly #connections: Connections;
  readonly #table: TableOptions;
  readonly #insertText: string;
  readonly #ownColumns: ReadonlySet<string>;
  readonly #timestampAt: number;
  /** The table was seen to be as it has to be. */
  #isReady = false;
  /** Off where a pooler hands each transaction to another session. */
  #isPrepared = true;

  constructor(connections: Connections, table: TableOptions) {
    const columns = columnsOf(table).map(({ name }) => name);
    this.#connections = connections;
    this.#table = table;
    this.#insertText = insertStatement(table);
    this.#ownColumns = new Set(columns);
    this.#timestampAt = columns.indexOf("timestamp");
  }

  async export(batch: EventBatch, { signal }: { readonly signal: AbortSignal }): Promise<ExportResult> {
    const rows = toRows(batch.events, this.#table);
    try {
      if (rows.count > 0) await this.#connections.use(signal, (client) => this.#deliver(client, rows));
      return { status: "ok", ...(rows.rejected.length > 0 && { rejected: rows.rejected }) };
    } catch (error) {
      if (error instanceof RowsRefusedError) return { status: "fail", reason: error.message };
      this.#learn(error);
      return { status: "retry", reason: describeDatabaseError(error) };
    }
  }

  /** Throws Error saying why events would not get into the table. Makes it, as `export` would. */
  async verify(signal: AbortSignal): Promise<void> {
    const none = toRows([], this.#table);
    try {
      // An insert of nothing needs the rights, the columns, the key and a server that takes writes.
      await this.#connections.use(signal, (client) => this.#deliver(client, none));
    } catch (error) {
      throw new Error(describeDatabaseError(error), { cause: error });
    }
  }

  async shutdown(): Promise<void> {
    this.#connections.close();
  }

  async #deliver(client: Client, rows: EventRows): Promise<void> {
    if (!this.#isReady) {
      await ensureTable(client, this.#table);
      this.#isReady = true;
    }
    try {
      await this.#insert(client, rows);
    } catch (error) {
      if (!this.#table.partitionByDay || !isMissingPartition(error)) throw this.#refusalOr(error);
      await this.#insertIntoNewDays(client, rows);
    }
  }

  async #insertIntoNewDays(client: Client, rows: EventRows): Promise<void> {
    const timestamps = rows.parameters[this.#timestampAt]!;
    const days = await daysOf(client, timestamps).catch((error) => {
      throw this.#refusalOr(error);
    });
    await createDayPartitions(client, this.#table, days);
    await this.#insert(client, rows).catch((error) => {
      throw this.#refusalOr(error);
    });
  }

  async #insert(client: Client, rows: EventRows): Promise<void> {
    const text = this.#insertText;
    const name = this.#isPrepared ? "sandglass_insert" : undefined;
    const { rowCount } = await client.query({ name, text, values: rows.parameters });
    if (rowCount === 0 && rows.count > 0) await waitForStandby(client);
  }

  #refusalOr(error: unknown): unknown {
    if (!isAboutRows(error, this.#ownColumns)) return error;
    return new RowsRefusedError(describeDatabaseError(error), { cause: error });
  }

  /** What is different for the next attempt, which has another connection. */
  #learn(error: unknown): void {
    if (isLostStatement(error)) this.#isPrepared = false;
    // Of the table, or of our rights to it: someone dropped or changed it.
    if (sqlState(error)?.startsWith("42") || sqlState(error)?.startsWith("23")) this.#isReady = false;
  }
}

async function waitForStandby(client: Client): Promise<void> {
  try {
    await client.query(WAIT_FOR_STANDBY);
  } catch (error) {
    // A database that only speaks PostgreSQL's protocol has no such function.
    if (!sqlState(error)?.startsWith("42")) throw error;
  }
}
