import type { Sample } from "@sandglass/telemetry/reading";
import type { Statements } from "../statements.ts";
import type { StoredEvent } from "../stored-event.ts";

/** The columns, which are the fields of `resource.sample`. */
export const SAMPLE_FIELDS = [
  "cpuUtilization",
  "memoryUsageBytes",
  "memoryLimitBytes",
  "diskUsageBytes",
  "diskLimitBytes",
  "pids",
  "oomKills",
  "cpuMs",
  "throttledMs",
  "cpuLimit",
  "uptimeMs",
  "egressBytesIn",
  "egressBytesOut",
  "egressConnections",
  "egressDenied",
  "telemetry",
] as const satisfies readonly (keyof Sample)[];

const INSERT = `INSERT INTO samples (org, sandbox, time, ${SAMPLE_FIELDS.join()})
  VALUES (?, ?, ?, ${SAMPLE_FIELDS.map(() => "?").join()})`;

/** Keeps what sandboxes used: a row for each sample, of which each of its metrics reads a column or two. */
export class SampleTable {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  apply({ event, org, sandbox, time }: StoredEvent): void {
    if (event.type !== "resource.sample" || sandbox === undefined) return;
    const { data } = event;
    this.#statements.run(INSERT, org, sandbox, time, ...SAMPLE_FIELDS.map((field) => toColumn(data[field])));
  }
}

function toColumn(value: Sample[keyof Sample]): number | string | null {
  return typeof value === "object" ? JSON.stringify(value) : (value ?? null);
}
