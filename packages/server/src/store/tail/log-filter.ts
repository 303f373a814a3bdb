import { inLowerCase, matchesSearch, parseSearch, type SearchTerm } from "../queries/parse-search.ts";
import type { TailEntry, TailFilter } from "./messages.ts";

/** Whether log records are what a follower wants: as the store's list would find them. */
export class LogFilter {
  readonly #wanted: TailFilter;
  readonly #search: SearchTerm[] | undefined;
  readonly #text: string | undefined;
  readonly #attributes: { name: string; value: string }[];

  constructor(wanted: TailFilter) {
    this.#wanted = wanted;
    this.#search = wanted.search === undefined ? undefined : parseSearch(wanted.search);
    this.#text = wanted.text === undefined ? undefined : inLowerCase(wanted.text);
    this.#attributes = (wanted.attribute ?? []).map((pair) => {
      const separator = pair.indexOf("=");
      return { name: pair.slice(0, separator), value: pair.slice(separator + 1) };
    });
  }

  /** What can be told without decoding the request. */
  wantsRequest({ orgId, sandboxId, runId }: { orgId: string; sandboxId: string; runId: string }): boolean {
    const wanted = this.#wanted;
    if (orgId !== wanted.orgId) return false;
    if (wanted.sandboxId !== undefined && sandboxId !== wanted.sandboxId) return false;
    return wanted.runId === undefined || runId === wanted.runId;
  }

  wants({ entry }: TailEntry): boolean {
    const { minSeverity = 0, service, traceId, spanId } = this.#wanted;
    if (entry.severity < minSeverity) return false;
    if (service !== undefined && entry.service !== service) return false;
    if (traceId !== undefined && entry.traceId !== traceId) return false;
    if (spanId !== undefined && entry.spanId !== spanId) return false;
    for (const { name, value } of this.#attributes) {
      const own = Object.hasOwn(entry.attributes, name) ? entry.attributes[name] : undefined;
      if (own === undefined || (typeof own === "string" ? own : JSON.stringify(own)) !== value) return false;
    }
    if (this.#text !== undefined && !inLowerCase(entry.body).includes(this.#text)) return false;
    if (this.#search === undefined) return true;
    return matchesSearch(entry.name === undefined ? entry.body : `${entry.name} ${entry.body}`, this.#search);
  }
}
