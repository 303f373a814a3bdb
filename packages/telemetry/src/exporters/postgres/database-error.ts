import { cleanText } from "../http/clean-text.ts";

/** What the server answers, as far as it is of use. Other errors of the driver have no SQLSTATE. */
interface ServerError extends Error {
  /** SQLSTATE. */
  readonly code: string;
  readonly severity: string;
  readonly column?: string;
  readonly constraint?: string;
}

/** The database does not want what is in these rows, however often it is asked. The connection is none the worse for it. */
export class RowsRefusedError extends Error {
  override readonly name = "RowsRefusedError";
}

/** Classes of SQLSTATE that are about the server, the connection, the table or our rights, not about what a row holds. */
const NOT_ABOUT_ROWS = new Set("08 0A 0B 25 26 28 3D 3F 40 42 53 55 57 58 F0 HV XX".split(" "));

const ADVICE: Readonly<Record<string, string>> = {
  "25006": "this server takes no writes: it is a standby, or a primary that was demoted",
  "28000": "let the server's pg_hba.conf admit this user from here",
  "28P01": "correct the user or the password in connectionString",
  "3D000": "create the database, or name another in connectionString",
  "3F000": "create the schema, or name another in schema",
  "42501":
    "grant the user INSERT and SELECT on the table; to make it, CREATE on the schema, and to change it, its ownership",
  "42P07": "rename or drop it, it is in the way of a partition of the table",
  "53100": "the server's disk is full",
  "53300": "the server has no connection to spare",
  "55P03": "another session holds a lock on the table",
};

/** Undefined where it is not the server that says so. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // An error of the system has a code as well, and `EPIPE` could be an SQLSTATE by its looks. It has no severity.
  const { code, severity } = error as Partial<ServerError>;
  return severity === undefined ? undefined : code;
}

/** Whether an insert failed for what its rows hold, so that others would get in. */
export function isAboutRows(error: unknown, ownColumns: ReadonlySet<string>): boolean {
  const code = sqlState(error);
  if (code === undefined || NOT_ABOUT_ROWS.has(code.slice(0, 2))) return false;
  // A column that someone made NOT NULL and that we know nothing of stops every row.
  if (code === "23502") return ownColumns.has((error as ServerError).column ?? "");
  return true;
}

/** No partition takes the row. A check that someone put on the table has a name. */
export function isMissingPartition(error: unknown): boolean {
  return sqlState(error) === "23514" && (error as ServerError).constraint === undefined;
}

/** A pooler gave us a server connection that does not know our prepared statement, or knows it from someone else. */
export function isLostStatement(error: unknown): boolean {
  const code = sqlState(error);
  return code === "26000" || code === "42P05";
}

/** What went wrong, in one line and without the rows' contents (these are in other fields than the message). */
export function describeDatabaseError(error: unknown): string {
  const code = sqlState(error);
  const words = cleanText(messageOf(error));
  if (code === undefined) return words;
  const advice = ADVICE[code];
  return `${words} (SQLSTATE ${code})${advice === undefined ? "" : `: ${advice}`}`;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // `localhost` that answers at none of its addresses: the message is empty then.
  if (error instanceof AggregateError) return error.errors.map(messageOf).join("; ");
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}
