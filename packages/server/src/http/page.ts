import { type Page, SandglassError } from "@sandglass/protocol";

interface Dated {
  id: string;
}

/**
 * One page of items, newest first. The cursor names the last item given by its time and id, so that items which come or go
 * between two pages neither shift nor repeat the rest.
 *
 * @param timeOf ISO 8601
 * @throws SandglassError INVALID_CURSOR
 */
export function pageOf<T extends Dated>(
  items: readonly T[],
  query: { limit: number; cursor?: string | undefined },
  timeOf: (item: T) => string,
): Page<T> {
  const keyOf = (item: T) => formatPlace({ time: timeOf(item), id: item.id });
  const sorted = items.map((item) => ({ item, key: keyOf(item) })).sort((a, b) => (a.key < b.key ? 1 : -1));
  const place = listPlaceOf(query.cursor);
  const after = place && formatPlace(place);
  const start = after === undefined ? 0 : sorted.findIndex(({ key }) => key < after);
  const page = start === -1 ? [] : sorted.slice(start, start + query.limit);
  const last = page.at(-1);
  const isLast = last === undefined || start + page.length === sorted.length;
  return {
    items: page.map(({ item }) => item),
    ...(!isLast && { nextCursor: Buffer.from(last.key).toString("base64url") }),
  };
}

/** Where a page ended: the last item's time (ISO 8601) and id. */
export interface ListPlace {
  time: string;
  id: string;
}

function formatPlace({ time, id }: ListPlace): string {
  return `${time} ${id}`;
}

/**
 * What a cursor of {@link pageOf} names; undefined for none.
 *
 * @throws SandglassError INVALID_CURSOR
 */
export function listPlaceOf(cursor: string | undefined): ListPlace | undefined {
  if (cursor === undefined) return undefined;
  const [, time, id] = /^(\d{4}-\S+) (\w+)$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (time !== undefined && id !== undefined) return { time, id };
  throw new SandglassError("INVALID_CURSOR", "the cursor is none of this list's", {
    hint: "leave it out to begin with the newest",
  });
}
