import type { Client, ListTracesOptions, TraceSummary } from "sandglass";

const PAGE = 1_000;
/** Of a daemon that is only looked at, some days: its probes alone are two a minute. */
const MAX_LOOKED_AT = 20_000;

export interface LastTraces {
  traces: TraceSummary[];
  /** There may be more behind what was looked at. */
  isCut: boolean;
}

/**
 * The newest traces in which something was done. Most of a quiet daemon's are one request that read something: its probes, consoles that
 * are open, and commands like the one that asks.
 *
 * @param limit how many at most
 */
export async function lastTraces(
  client: Client,
  limit: number,
  filter: ListTracesOptions,
): Promise<LastTraces> {
  const traces: TraceSummary[] = [];
  let cursor: string | undefined;
  for (let seen = 0; seen < MAX_LOOKED_AT; seen += PAGE) {
    const place = cursor === undefined ? {} : { cursor };
    const page = await client.traces.list({ ...filter, ...place, limit: PAGE });
    traces.push(...page.items.filter((trace) => !isRead(trace)));
    cursor = page.nextCursor;
    if (traces.length >= limit || cursor === undefined)
      return { traces: traces.slice(0, limit), isCut: false };
  }
  return { traces, isCut: true };
}

/** One request that changed nothing. One that failed is shown: somebody may look for it. */
function isRead({ name, spans, errors, subject }: TraceSummary): boolean {
  return name === "http_request" && spans === 1 && errors === 0 && /^(?:GET|HEAD) \//.test(subject);
}
