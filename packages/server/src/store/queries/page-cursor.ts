import { type Page, SandglassError } from "@sandglass/protocol";

/** Where a page ended: the time and the key of its last row, newest first. */
export interface PagePlace {
  /** Unix microseconds. */
  time: number;
  key: number;
}

const FORM = /^(\d{1,16}) (\d{1,16})$/;

function encodePlace({ time, key }: PagePlace): string {
  return Buffer.from(`${time} ${key}`).toString("base64url");
}

/** @throws SandglassError INVALID_CURSOR */
export function decodePlace(cursor: string): PagePlace {
  const [, time, key] = FORM.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (time !== undefined && key !== undefined) return { time: Number(time), key: Number(key) };
  throw new SandglassError("INVALID_CURSOR", "the cursor is none of this list's", {
    hint: "leave it out to begin with the newest",
  });
}

/** A page of rows, of which one more than the limit was asked for: it tells whether there is a next page. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  placeOf: (row: Row) => PagePlace,
): Page<Item> {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const hasMore = rows.length > page.length && last !== undefined;
  return { items: page.map(toItem), ...(hasMore && { nextCursor: encodePlace(placeOf(last)) }) };
}
