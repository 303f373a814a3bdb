import type { TableOptions } from "./table-options.ts";

/** A column that events are put into. */
export interface Column {
  readonly name: string;
  /** As `format_type` says it. */
  readonly type: string;
  /** Also taken where a table has it. */
  readonly alsoTakes?: string;
  /** Tables have had it from the beginning: one without it is a table of another kind. Others are added to an older table. */
  readonly isOriginal?: boolean;
  readonly isRequired?: boolean;
}

const text = { type: "text", alsoTakes: "character varying" } as const;

/** In the order of an event's JSON, which is the order of an insert's parameters. `data` is the last. */
export function columnsOf(options: Pick<TableOptions, "useJsonColumn">): readonly Column[] {
  return [
    { name: "id", ...text, isOriginal: true, isRequired: true },
    { name: "seq", type: "bigint" },
    { name: "timestamp", type: "timestamp with time zone", isOriginal: true, isRequired: true },
    { name: "type", ...text, isOriginal: true, isRequired: true },
    { name: "level", ...text },
    { name: "org_id", ...text },
    { name: "sandbox_id", ...text, isOriginal: true },
    { name: "run_id", ...text, isOriginal: true },
    { name: "trace_id", ...text },
    { name: "span_id", ...text },
    { name: "parent_span_id", ...text },
    options.useJsonColumn
      ? { name: "data", type: "jsonb", isOriginal: true }
      : { name: "data", ...text, isOriginal: true },
  ];
}

/** What makes two rows the same event. */
export function keyOf(options: Pick<TableOptions, "partitionByDay">): readonly string[] {
  // PostgreSQL wants what it partitions by in every unique key.
  return options.partitionByDay ? ["id", "timestamp"] : ["id"];
}
