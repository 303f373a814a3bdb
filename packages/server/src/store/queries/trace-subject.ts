import type { EventType } from "@sandglass/protocol";
import type { Statements } from "../statements.ts";

/** What a trace begins with is looked at, however long it goes on: a page of traces has to end. */
const MAX_EVENTS = 12;
const MAX_LENGTH = 200;

/** What tells most of a trace first. */
const RANKED: readonly (readonly EventType[])[] = [
  ["run.started"],
  ["exec.started", "exec.completed"],
  ["agent.tool_call", "file.created", "file.modified", "file.read", "file.deleted", "port.exposed"],
  ["sandbox.forked", "sandbox.merged", "sandbox.created", "sandbox.paused", "sandbox.resumed"],
  ["sandbox.terminated", "cost.llm"],
  ["http.request"],
];
const RANKS = new Map(RANKED.flatMap((types, rank) => types.map((type) => [type, rank] as const)));

/** Before the word, where that alone would not say what was done with it. */
const VERBS: { readonly [T in EventType]?: string } = {
  "file.created": "write",
  "file.modified": "write",
  "file.read": "read",
  "file.deleted": "delete",
  "port.exposed": "expose port",
  "sandbox.forked": "fork",
  "sandbox.merged": "merge into",
  "sandbox.created": "create",
  "sandbox.paused": "pause",
  "sandbox.resumed": "resume",
  "sandbox.terminated": "terminate",
};

interface Row {
  type: EventType;
  word: string | null;
}

/**
 * What a trace was about, in one line of at most 200 characters: the run's name, the first cell or command, else what else the host did
 * first, else the request's route. "" where the host recorded nothing of it, or no more than that something ran. What programs chose
 * is in it as they wrote it.
 */
export function traceSubject(statements: Statements, trace: string, org: number): string {
  let best: { rank: number; row: Row } | undefined;
  for (const row of statements.all<Row>(FIRST_EVENTS, trace, org, MAX_EVENTS)) {
    const rank = RANKS.get(row.type);
    if (rank !== undefined && (best === undefined || rank < best.rank)) best = { rank, row };
  }
  if (best === undefined) return "";
  const { type, word } = best.row;
  return [VERBS[type], word]
    .filter(Boolean)
    .join(" ")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, MAX_LENGTH)
    .toWellFormed();
}

// Of a long cell no more than its beginning leaves the database, and payloads of types without a word are not read at all.
const FIRST_EVENTS = `SELECT event_types.name AS type, substr(CASE event_types.name
    WHEN 'http.request' THEN data ->> 'method' || ' ' || iif(data ->> 'route' = '', data ->> 'path', data ->> 'route')
    WHEN 'exec.started' THEN coalesce(data ->> 'code', data ->> 'command', data ->> 'language' || ' code', 'a command')
    WHEN 'exec.completed' THEN coalesce(data ->> 'code', data ->> 'command', data ->> 'language' || ' code', 'a command')
    WHEN 'run.started' THEN data ->> 'name'
    WHEN 'agent.tool_call' THEN data ->> 'toolName'
    WHEN 'cost.llm' THEN data ->> 'model'
    WHEN 'sandbox.created' THEN data ->> 'template'
    WHEN 'sandbox.merged' THEN data ->> 'winner'
    WHEN 'port.exposed' THEN data ->> 'port'
    ELSE iif(event_types.name LIKE 'file.%', data ->> 'path', NULL) END, 1, 1000) AS word
  FROM (SELECT type, data FROM events WHERE trace = ? AND org = ? ORDER BY position LIMIT ?) AS first
    JOIN event_types ON event_types.key = first.type`;
