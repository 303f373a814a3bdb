import { SandglassError } from "@sandglass/protocol";

/** Which table events go to, and what it looks like. */
export interface TableOptions {
  readonly schema: string;
  readonly table: string;
  /** It is made where it is missing, and an older one is brought up to date. */
  readonly createTable: boolean;
  /** `data` is JSONB; else TEXT. */
  readonly useJsonColumn: boolean;
  readonly partitionByDay: boolean;
}

/** PostgreSQL cuts longer names silently, and two tables would become one. */
const MAX_NAME_BYTES = 63;
const DAY_SUFFIX_BYTES = "_20260418".length;

/** Throws INVALID_REQUEST naming the option whose name PostgreSQL cannot have. */
export function checkNames(options: TableOptions): void {
  checkName("schema", options.schema, MAX_NAME_BYTES, "");
  const room = options.partitionByDay ? MAX_NAME_BYTES - DAY_SUFFIX_BYTES : MAX_NAME_BYTES;
  checkName("table", options.table, room, options.partitionByDay ? " (its partitions add _YYYYMMDD)" : "");
}

/** `"public"."sandglass_events"`: for people and for SQL alike. */
export function qualifiedName({ schema, table }: Pick<TableOptions, "schema" | "table">): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}

/** Any name, as SQL takes it. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function checkName(option: string, name: string, maxBytes: number, why: string): void {
  const bytes = Buffer.byteLength(name);
  if (name.includes("\0"))
    throw new SandglassError("INVALID_REQUEST", `${option} must not contain a NUL character`);
  if (bytes === 0) throw new SandglassError("INVALID_REQUEST", `${option} must not be empty`);
  if (bytes <= maxBytes) return;
  throw new SandglassError(
    "INVALID_REQUEST",
    `${option} must be at most ${maxBytes} bytes${why}, not ${bytes}`,
  );
}
