import type { Statements } from "../statements.ts";
import { Conditions } from "./conditions.ts";

export interface HasTelemetry {
  orgId: string;
  /** As `service.name` says. */
  service: string;
  /** `name=value`, of a span or a log record. */
  attribute?: string | undefined;
  /** ISO 8601; by the time that the telemetry itself says. */
  since: string;
}

/** Whether a span began, or a log record was written, at that time or later. */
export function hasTelemetry(statements: Statements, query: HasTelemetry): boolean {
  return [
    ["spans", "start"],
    ["logs", "time"],
  ].some(([table = "", time = ""]) => {
    const conditions = new Conditions()
      .org(query.orgId)
      .during(time, { since: query.since })
      .add("service = ?", query.service);
    const separator = query.attribute?.indexOf("=") ?? -1;
    if (query.attribute !== undefined) {
      conditions.add(
        `EXISTS (SELECT 1 FROM json_each(${table}.attributes) AS attribute WHERE attribute.key = ?
           AND iif(attribute.type IN ('true', 'false'), attribute.type, CAST(attribute.value AS TEXT)) = ?)`,
        query.attribute.slice(0, separator),
        query.attribute.slice(separator + 1),
      );
    }
    const sql = `SELECT 1 FROM ${table} WHERE ${conditions.text} LIMIT 1`;
    return statements.get(sql, ...conditions.values) !== undefined;
  });
}
