import type { SQLInputValue } from "node:sqlite";
import { microsOf } from "../stored-event.ts";
import type { PagePlace } from "./page-cursor.ts";
import { indexQuery, parseSearch } from "./parse-search.ts";

/**
 * Conditions of a query, joined by AND, with their values. Their text is ours, what callers give are values. Whatever rows it looks at,
 * such a query can be ended in between.
 */
export class Conditions {
  readonly values: SQLInputValue[] = [];
  readonly #texts: string[];

  /** @param key the column of the table that counts its rows */
  constructor(key: "key" | "position" = "key") {
    this.#texts = [`(${key} % 1024 != 0 OR going())`];
  }

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

  /** @param column JSON of attributes @param pairs `name=value`, all of them; numbers and truth values as they are written */
  having(column: string, pairs: readonly string[] | undefined): this {
    for (const pair of pairs ?? []) {
      const separator = pair.indexOf("=");
      this.add(
        `EXISTS (SELECT 1 FROM json_each(${column}) AS attribute WHERE attribute.key = ?
           AND iif(attribute.type IN ('true', 'false'), attribute.type, CAST(attribute.value AS TEXT)) = ?)`,
        ...[pair.slice(0, separator), pair.slice(separator + 1)],
      );
    }
    return this;
  }

  /**
   * Where the text has all that is searched for.
   *
   * @param place the index of words, whose rowid is the table's `key`, and the column that has the text
   */
  containing(place: { index: string; key: string; text: string }, search: string | undefined): this {
    if (search === undefined) return this;
    const { index, key, text } = place;
    const terms = parseSearch(search);
    const { match, without } = indexQuery(terms);
    const found = `(SELECT rowid FROM ${index} WHERE ${index} MATCH ?)`;
    this.add(`${key} IN ${found}`, match);
    this.add(`${key} NOT IN ${found}`, without);
    for (const { literal } of terms) {
      if (literal !== "") this.add(`instr(lower(${text}), lower(?)) > 0`, literal);
    }
    return this;
  }

  get text(): string {
    return this.#texts.join(" AND ");
  }
}
