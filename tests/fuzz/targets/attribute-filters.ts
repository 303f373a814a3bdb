import assert from "node:assert/strict";
import { MetricsQuery } from "@sandglass/protocol/schemas";
import { type KeyValue, plainAttributes } from "@sandglass/telemetry/reading";
import { LogFilter } from "../../../packages/server/src/store/tail/log-filter.ts";
import type { FuzzTarget } from "../fuzz-target.ts";
import { FilteredStore } from "./filtered-store.ts";

const MAX_ATTRIBUTES = 8;

let store: FilteredStore | undefined;

/** Filters of traces, metrics and logs: a line of `?name=value` for each, and one of `name=value` for each attribute that there is. */
export const attributeFilters: FuzzTarget = {
  name: "attribute-filters",
  watched: [
    ...["/store/queries/conditions.ts", "/store/queries/trace-attributes.ts", "/store/tail/log-filter.ts"],
    ...["/queries/metrics/metric-source.ts", "/queries/metrics/query-metric.ts", "/otlp/attribute-hash.ts"],
  ],
  words: [
    ...[
      "\n",
      "?",
      "=",
      "\n?a=",
      "\na=",
      "true",
      "false",
      "null",
      "0",
      "1",
      "-1",
      "1e3",
      "0.5",
      "007",
      "9007199254740993",
    ],
    ...[
      "__proto__",
      "constructor",
      "toString",
      "{}",
      "[]",
      '["a"]',
      '"',
      "\\",
      "'",
      "%",
      "*",
      ".",
      "$",
      "[0]",
      "ä",
      "é",
    ],
    ...["x".repeat(300), "-0", "NaN", "1e400", "😀", "\ufeff", " "],
  ],
  seeds: [
    '?a=1\na=1\nb=true\nc=0.5\nd=["a"]\ne=text',
    "?name=7\n?b=true\nname=7\nb=true",
    // Found, and mended: what every object has passed for an attribute.
    "?__proto__={}\na=1",
    "?constructor=1\nconstructor=1",
  ],
  check(input) {
    // SQLite ends a text there, where JSON goes on.
    const lines = input.toString("utf8").replaceAll("\0", " ").split("\n");
    const pairs = lines.filter((line) => line.startsWith("?")).map((line) => line.slice(1));
    const own = lines.filter((line) => !line.startsWith("?")).slice(0, MAX_ATTRIBUTES);
    const wanted = MetricsQuery.safeParse({ filter: pairs });
    const isSound = pairs.length <= 20 && pairs.every((pair) => pair.indexOf("=") > 0 && pair.length <= 1000);
    assert.equal(wanted.success, isSound, "taken, or refused, unlike its rule");
    if (!isSound) return "refused";
    const attributes = plainAttributes(own.flatMap(attributeOf));
    const isExpected = pairs.every((pair) => has(attributes, pair));
    const names = pairs.map((pair) => pair.slice(0, pair.indexOf("="))).slice(0, 8);
    store ??= new FilteredStore();
    const tables = store;
    return tables.during(() => {
      tables.addLog({ body: "" }, attributes);
      tables.addSpan(attributes);
      tables.addPoint(attributes);
      const [entry] = tables.logs({});
      assert.ok(entry !== undefined);
      const follower = new LogFilter({ orgId: "default", attribute: pairs });
      assert.equal(follower.wants({ entry, line: "" }), isExpected, "logs that are followed");
      assert.equal(tables.logs({ attribute: pairs }).length > 0, isExpected, "logs");
      assert.equal(tables.hasTrace(pairs), isExpected, "traces");
      const [series] = tables.series(pairs, names);
      assert.equal(series !== undefined, isExpected, "metrics");
      for (const name of series === undefined ? [] : names)
        assert.equal(
          series?.attributes[name],
          pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1),
        );
      const [ungrouped] = tables.series([], names);
      for (const value of Object.values(ungrouped?.attributes ?? {})) assert.equal(typeof value, "string");
      return `${isExpected} ${Math.min(pairs.length, 3)} ${Math.min(Object.keys(attributes).length, 3)}`;
    });
  },
  close() {
    store?.close();
    store = undefined;
    return Promise.resolve();
  },
};

/** An attribute as it is sent. Numbers are those that everybody writes in the same way. */
function attributeOf(line: string): KeyValue[] {
  const separator = line.indexOf("=");
  if (separator < 1) return [];
  const [key, text] = [line.slice(0, separator), line.slice(separator + 1)];
  if (text === "true" || text === "false") return [{ key, value: { boolValue: text === "true" } }];
  if (/^-?[1-9]\d{0,14}$|^0$/.test(text)) return [{ key, value: { intValue: text } }];
  if (/^-?[1-9]\d{0,5}\.\d{0,5}[1-9]$/.test(text)) return [{ key, value: { doubleValue: Number(text) } }];
  if (!text.startsWith("[")) return [{ key, value: { stringValue: text } }];
  const values = text.slice(1).split(",");
  return [{ key, value: { arrayValue: { values: values.map((stringValue) => ({ stringValue })) } } }];
}

/** The rule once more: an attribute of its own, as it is written. */
function has(attributes: Record<string, unknown>, pair: string): boolean {
  const separator = pair.indexOf("=");
  const [, value] = Object.entries(attributes).find(([name]) => name === pair.slice(0, separator)) ?? [];
  if (value === undefined) return false;
  return (typeof value === "string" ? value : JSON.stringify(value)) === pair.slice(separator + 1);
}
