import type { SandboxInfo } from "@sandglass/protocol";
import { SandboxProjection } from "@sandglass/telemetry/reading";
import type { Statements } from "../statements.ts";
import { microsOf, timestampOf } from "../stored-event.ts";
import { Conditions } from "./conditions.ts";
import { EVENT_COLUMNS, type EventRow, toEvent } from "./event-row.ts";

export interface ListEndedSandboxes {
  orgId: string;
  limit: number;
  runId?: string | undefined;
  /** Of the last of the page before: when it was created (ISO 8601), and its id. */
  after?: { createdAt: string; id: string } | undefined;
}

interface SandboxRow {
  key: number;
  cause: SandboxInfo["cause"];
  reason: string | null;
  ended_at: number;
  first_position: number;
  last_position: number;
  has_content: number;
}

/** Newest first, as `SandboxProjection` tells of them; without those whose creation is not in the record any more. */
export function listEndedSandboxes(statements: Statements, query: ListEndedSandboxes): SandboxInfo[] {
  const { orgId, runId, after } = query;
  const conditions = new Conditions()
    .org(orgId)
    .about({ orgId, runId })
    .add("state = 'terminated' AND template != ''")
    .add("(created_at, id) < (?, ?)", after && microsOf(after.createdAt), after?.id);
  const rows = statements.all<SandboxRow>(
    `SELECT *, EXISTS (SELECT 1 FROM execs WHERE execs.sandbox = sandboxes.key AND subject IS NOT NULL) AS has_content
     FROM sandboxes WHERE ${conditions.text} ORDER BY created_at DESC, id DESC LIMIT ?`,
    ...[...conditions.values, query.limit],
  );
  return rows.flatMap((row) => toInfo(statements, row, orgId) ?? []);
}

/** Its first event is its creation, and its last as good as always its end. */
function toInfo(statements: Statements, row: SandboxRow, orgId: string): SandboxInfo | undefined {
  const projection = new SandboxProjection();
  const events = statements.all<EventRow>(
    `${EVENT_COLUMNS} WHERE events.position IN (?, ?) ORDER BY events.position`,
    row.first_position,
    row.last_position,
  );
  for (const event of events) projection.apply(toEvent(event, orgId));
  const { info } = projection;
  if (info === undefined) return undefined;
  const { cause, reason } = row;
  return {
    ...info,
    state: "terminated",
    record: row.has_content === 1 ? "full" : info.record,
    ...(cause !== null && { cause }),
    ...(reason !== null && { reason }),
    endedAt: timestampOf(row.ended_at),
  };
}
