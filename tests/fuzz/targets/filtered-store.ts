import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { LogEntry, MetricSeriesList } from "@sandglass/protocol";
import { attributeHash } from "@sandglass/telemetry/reading";
import { DerivedMetrics } from "../../../packages/server/src/store/metrics/derived-metrics.ts";
import { MetricTable } from "../../../packages/server/src/store/metrics/metric-table.ts";
import { openDatabase } from "../../../packages/server/src/store/open-database.ts";
import { listLogs } from "../../../packages/server/src/store/queries/list-logs.ts";
import { listTraces } from "../../../packages/server/src/store/queries/list-traces.ts";
import { queryMetric } from "../../../packages/server/src/store/queries/metrics/query-metric.ts";
import { ORIGIN, SpanTable } from "../../../packages/server/src/store/span-table.ts";
import { Statements } from "../../../packages/server/src/store/statements.ts";
import { TraceTable } from "../../../packages/server/src/store/trace-table.ts";

const ORG = "default";
const AT = 1_700_000_000_000_000;
const DURING = { since: "2023-11-14T22:00:00Z", until: "2023-11-14T23:00:00Z" };

/** The store's own tables, in memory, with rows that stay as long as one input is looked at. */
export class FilteredStore {
  readonly #database: DatabaseSync = openDatabase(":memory:", () => {});
  readonly #statements = new Statements(this.#database);

  constructor() {
    this.#database.function("going", () => 1);
    this.#database.exec(`
      INSERT INTO orgs VALUES (1, '${ORG}');
      INSERT INTO metrics (key, org, name, host, type, delta, unit, description) VALUES (1, 1, 'm', 0, 0, 0, '', '');
    `);
  }

  /** What is put in within `use` is gone behind it. */
  during<Result>(use: () => Result): Result {
    this.#database.exec("BEGIN");
    try {
      return use();
    } finally {
      this.#database.exec("ROLLBACK");
    }
  }

  addLog(text: { body: string; name?: string | undefined }, attributes: object = {}): void {
    const values: SQLInputValue[] = [AT, text.body, text.name ?? null, JSON.stringify(attributes)];
    const key = this.#statements.insert(
      `INSERT INTO logs (org, time, severity, body, trace, span, origin, service, name, attributes)
       VALUES (1, ?, 9, ?, '', '', ${ORIGIN.client}, 's', ?, ?)`,
      ...values,
    );
    const words = text.name === undefined ? text.body : `${text.name} ${text.body}`;
    this.#statements.run("INSERT INTO logs_text (rowid, text) VALUES (?, ?)", key, words);
  }

  addSpan(attributes: object): void {
    const traces = new TraceTable(this.#statements);
    const derived = new DerivedMetrics(this.#statements, new MetricTable(this.#statements));
    const spans = new SpanTable(this.#statements, derived, traces);
    const hashes = Object.entries(attributes).flatMap(([name, value]) => attributeHash(name, value) ?? []);
    spans.add(
      {
        ...{ trace: "ab".repeat(16), span: "cd".repeat(8), parent: "", name: "step", kind: 1 },
        ...{ start: AT, duration: 10, status: 0, service: "s" },
        ...{ attributes: JSON.stringify(attributes), hashes },
      },
      { org: 1, sandbox: undefined, run: undefined, origin: ORIGIN.client },
    );
    spans.settle();
    traces.settle();
  }

  addPoint(attributes: object): void {
    const series = this.#statements.insert(
      "INSERT INTO metric_series (metric, identity, origin, attributes) VALUES (1, 'i', 2, ?)",
      JSON.stringify(attributes),
    );
    this.#statements.run("INSERT INTO points (series, time, start, value) VALUES (?, ?, 0, 1)", series, AT);
  }

  logs(wanted: { search?: string; attribute?: readonly string[] }): LogEntry[] {
    return listLogs(this.#statements, { orgId: ORG, limit: 100, ...wanted }).items;
  }

  hasTrace(attribute: readonly string[]): boolean {
    return listTraces(this.#statements, { orgId: ORG, limit: 100, attribute }).items.length > 0;
  }

  series(filter: readonly string[], groupBy: readonly string[]): MetricSeriesList["series"] {
    return queryMetric(this.#statements, { orgId: ORG, name: "m", limit: 100, ...DURING, filter, groupBy })
      .series;
  }

  close(): void {
    this.#database.close();
  }
}
