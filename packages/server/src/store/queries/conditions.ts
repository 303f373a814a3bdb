import type { SQLInputValue } from "node:sqlite";
import { microsOf } from "../stored-event.ts";
import type { PagePlace } from "./page-cursor.ts";

/** Conditions of a query, joined by AND, with their values. Their text is ours, what callers give are values. */
export class Conditions {
  readonly values: SQLInputValue[] = [];
  readonly #texts: string[] = [];

  /** Left out where a value is undefined. */
  add(text: string, ...values: (SQLInputValue | undefined)[]): this {
    const given = values.filter((value) => value !== undefined);
    if (given.length < values.length) return this;
    this.#texts.push(text);
    this.values.push(...given);
    return this;
  }

  org(orgId: string): this {
    return this.add("org = (SELECT key FROM orgs WHERE id = ?)", orgId);
  }

  /** Of what the ids name; nothing where there is no such sandbox or run. */
  about(query: { orgId: string; sandboxId?: string | undefined; runId?: string | undefined }): this {
    const { orgId, sandboxId, runId } = query;
    this.add("sandbox = (SELECT key FROM sandboxes WHERE id = ?)", sandboxId);
    const run =
      "SELECT key FROM runs WHERE runs.id = ? AND runs.org = (SELECT key FROM orgs WHERE orgs.id = ?)";
    return this.add(`run = (${run})`, runId, runId === undefined ? undefined : orgId);
  }

  /** @param column Unix microseconds; the times are ISO 8601 */
  during(column: string, { since, until }: { since?: string | undefined; until?: string | undefined }): this {
    this.add(`${column} >= ?`, since === undefined ? undefined : microsOf(since));
    return this.add(`${column} < ?`, until === undefined ? undefined : microsOf(until));
  }

  /** Behind a page that ended there, newest first. */
  behind(columns: string, place: PagePlace | undefined): this {
    return this.add(`(${columns}) < (?, ?)`, place?.time, place?.key);
  }

  get text(): string {
    return this.#texts.join(" AND ");
  }
}
