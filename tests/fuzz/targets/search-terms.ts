import assert from "node:assert/strict";
import { LogFilter } from "../../../packages/server/src/store/tail/log-filter.ts";
import type { FuzzTarget } from "../fuzz-target.ts";
import { FilteredStore } from "./filtered-store.ts";

const MAX_TEXTS = 6;

let store: FilteredStore | undefined;

/** What is searched for (`search=`), in its first line, and log records in the others: a name, if there is a tab, and a body. */
export const searchTerms: FuzzTarget = {
  name: "search-terms",
  watched: ["/store/queries/parse-search.ts", "/store/queries/conditions.ts", "/store/tail/log-filter.ts"],
  words: [
    ...[
      '"',
      '"a b"',
      "-",
      "*",
      "a*",
      '-"',
      " ",
      "\n",
      "\t",
      "NEAR(a b)",
      "AND",
      "OR",
      "NOT",
      "^",
      "{",
      "text:",
    ],
    ...["+", "(", ")", "'", "%", "_", "\\", "A", "a", "É", "é", "e\u0301", "ế", "й", "Σ", "ς", "İ", "ß", "ﬁ"],
    ...[
      "नमस्ते",
      "หนึ่ง",
      "한국어",
      "日本語",
      "\u0903",
      "\u1b00",
      "\u19b1",
      "🫠",
      "𞤀",
      "\u200d",
      "\ufeff",
      "\ue000",
    ],
    ...["a\u0903b", "order-17", "10.0.0.7", "x ".repeat(40)],
  ],
  seeds: [
    'query -failed "the query in" beg*\nquery begins in the query in\nfailed\tquery',
    "order-17\npayment declined for order-17\norder 17",
    // Found, and mended: marks at which the index cuts; words that only one of the two folded.
    "नमस्ते\nनमस्ते दुनिया",
    "и\nй",
    "É-x\né-x",
    '"a.b"\na.b\tc',
  ],
  check(input) {
    // A NUL ends what SQLite's lower() reads.
    const [search = "", ...texts] = input.toString("utf8").replaceAll("\0", " ").split("\n");
    store ??= new FilteredStore();
    const tables = store;
    return tables.during(() => {
      for (const text of texts.slice(0, MAX_TEXTS)) {
        const [name, body] = text.split("\t", 2) as [string, string | undefined];
        tables.addLog(body === undefined ? { body: name } : { name, body });
      }
      const found = new Set(tables.logs({ search }).map(({ id }) => id));
      const follower = new LogFilter({ orgId: "default", search });
      for (const entry of tables.logs({})) {
        const isFound = found.has(entry.id);
        assert.equal(follower.wants({ entry, line: "" }), isFound, "the list and its follower differ");
        const text = entry.name === undefined ? entry.body : `${entry.name} ${entry.body}`;
        const expected = plainSearch(search, text);
        if (expected !== undefined)
          assert.equal(isFound, expected, "the words are all there, or they are not");
      }
      return `${Math.min(found.size, 2)} ${/["*-]/.exec(search)?.[0]} ${search.length > 100}`;
    });
  },
  close() {
    store?.close();
    store = undefined;
    return Promise.resolve();
  },
};

/** Of words without signs in ASCII, the rule once more; undefined of everything else. */
function plainSearch(search: string, text: string): boolean | undefined {
  if (!/^[a-z0-9 ]*$/i.test(search) || !/^[\x20-\x7e\t]*$/.test(text)) return undefined;
  const wanted = search.toLowerCase().split(" ").slice(0, 32);
  if (wanted.length < search.split(" ").length) return undefined;
  const words = text.toLowerCase().split(/[^a-z0-9]+/);
  return wanted.every((word) => word === "" || words.includes(word));
}
