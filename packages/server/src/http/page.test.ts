import assert from "node:assert/strict";
import { test } from "node:test";
import { SandglassError } from "@sandglass/protocol";
import { pageOf } from "./page.ts";

const item = (n: number) => ({
  id: `sbx_${String(n).padStart(3, "0")}`,
  at: `2026-01-01T00:00:${String(Math.floor(n / 2)).padStart(2, "0")}Z`,
});
const timeOf = ({ at }: { at: string }) => at;

test("pages bring every item once, newest first, also where several are of one moment", () => {
  const items = Array.from({ length: 25 }, (_, index) => item(index));
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = pageOf(items, { limit: 10, cursor }, timeOf);
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  assert.deepEqual(seen, items.map(({ id }) => id).toReversed());
});

test("items that come or go between two pages neither shift nor repeat the others", () => {
  const items = Array.from({ length: 10 }, (_, index) => item(index));
  const { nextCursor } = pageOf(items, { limit: 4 }, timeOf);
  const later = [...items.filter(({ id }) => id !== "sbx_006"), item(50)];
  assert.deepEqual(
    pageOf(later, { limit: 3, cursor: nextCursor }, timeOf).items.map(({ id }) => id),
    ["sbx_005", "sbx_004", "sbx_003"],
  );
});

test("the last page has no cursor, and a foreign cursor is refused", () => {
  assert.equal(pageOf([item(1)], { limit: 1 }, timeOf).nextCursor, undefined);
  assert.throws(
    () => pageOf([item(1)], { limit: 1, cursor: "bm9wZQ" }, timeOf),
    (error: unknown) => error instanceof SandglassError && error.code === "INVALID_CURSOR",
  );
});
