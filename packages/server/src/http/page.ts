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
  const keyOf = (item: T) => `${timeOf(item)} ${item.id}`;
  const sorted = items.map((item) => ({ item, key: keyOf(item) })).sort((a, b) => (a.key < b.key ? 1 : -1));
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const start = after === undefined ? 0 : sorted.findIndex(({ key }) => key < after);
  const page = start === -1 ? [] : sorted.slice(start, start + query.limit);
  const last = page.at(-1);
  const isLast = last === undefined || start + page.length === sorted.length;
  return {
    items: page.map(({ item }) => item),
    ...(!isLast && { nextCursor: Buffer.from(last.key).toString("base64url") }),
  };
}

function decodeCursor(cursor: string): string {
  const key = Buffer.from(cursor, "base64url").toString();
  if (/^\d{4}-\S+ \w+$/.test(key)) return key;
  throw new SandglassError("INVALID_CURSOR", "the cursor is none of this list's", {
    hint: "leave it out to begin with the newest",
  });
}
