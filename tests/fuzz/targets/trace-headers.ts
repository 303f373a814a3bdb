import assert from "node:assert/strict";
import {
  contextFromHeaders,
  formatBaggage,
  formatTraceparent,
  formatTracestate,
  isSpanId,
  isTraceId,
  normalizeBaggage,
  parseBaggage,
  parseTraceparent,
  parseTracestate,
  traceEnvironment,
} from "@sandglass/protocol";
import type { FuzzTarget } from "../fuzz-target.ts";

const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const PRINTABLE = /^[\x20-\x7e]*$/;
/** A parent, a state and baggage, each on a line of its own. */
const SEPARATOR = "\n";

/** `traceparent`, `tracestate` and `baggage`, as they reach the environment of what runs. */
export const traceHeaders: FuzzTarget = {
  name: "trace-headers",
  watched: ["/protocol/src/trace-context.ts", "/protocol/src/tracestate.ts", "/protocol/src/baggage.ts"],
  words: [
    ...[
      PARENT,
      "ff-",
      "01-",
      "-00",
      "-01-x",
      "0".repeat(32),
      "0".repeat(16),
      "a=1",
      "a@b=c",
      ",",
      ";",
      "=",
      "%",
    ],
    ...[
      "%C3%A4",
      "%ff",
      "%zz",
      " ",
      "\t",
      "\n",
      ";p",
      ";p=1",
      "k=v,",
      "k=v,".repeat(40),
      "x".repeat(256),
      '"',
      "\\",
    ],
    ...["a=b;c=d;e", "é", "\u2028"],
  ],
  seeds: [[PARENT, "a=1,b@c=2", "user=1;secret,k=%20v"].join(SEPARATOR)],
  check(input) {
    // Headers reach a server as latin1.
    const [traceparent = "", tracestate = "", baggage = ""] = input.toString("latin1").split(SEPARATOR);
    const parent = checkParent(traceparent);
    const members = checkState(tracestate);
    const entries = checkBaggage(baggage);
    const context = contextFromHeaders({ traceparent, tracestate, baggage });
    assert.ok(isTraceId(context.traceId));
    assert.ok(context.parentSpanId === "" || isSpanId(context.parentSpanId));
    assert.equal(context.parentSpanId === "", parent === undefined);
    if (parent === undefined)
      assert.equal(context.tracestate, "", "the state of a trace that is not continued");
    const environment = traceEnvironment({ ...context, spanId: "00f067aa0ba902b7" });
    for (const value of Object.values(environment)) assert.match(value, PRINTABLE);
    return `${parent !== undefined} ${members} ${entries}`;
  },
};

function checkParent(header: string): ReturnType<typeof parseTraceparent> {
  const parent = parseTraceparent(header);
  // The same, as the specification has it, once more.
  const [version = "", traceId = "", spanId = "", flags = "", ...more] = header
    .replace(/^[ \t]+|[ \t]+$/g, "")
    .split("-");
  const isValid =
    /^[0-9a-f]{2}$/.test(version) &&
    version !== "ff" &&
    isTraceId(traceId) &&
    isSpanId(spanId) &&
    /^[0-9a-f]{2}$/.test(flags) &&
    (version !== "00" || more.length === 0);
  assert.equal(parent !== undefined, isValid, "taken, or refused, unlike the specification");
  if (parent === undefined) return undefined;
  assert.deepEqual(parent, { traceId, parentSpanId: spanId, flags: Number.parseInt(flags, 16) });
  const sent = parseTraceparent(formatTraceparent(traceId, spanId, parent.flags));
  assert.deepEqual(sent, { ...parent, flags: parent.flags & 3 });
  return parent;
}

function checkState(header: string): number | undefined {
  const members = parseTracestate(header);
  if (members === undefined) return undefined;
  assert.ok(members.length <= 32 && new Set(members.map(({ key }) => key)).size === members.length);
  assert.deepEqual(parseTracestate(formatTracestate(members)), members, "not the same once it was sent");
  return Math.min(members.length, 2);
}

function checkBaggage(header: string): number {
  const normal = normalizeBaggage(header);
  assert.match(normal, PRINTABLE);
  assert.ok(normal.length <= 8192);
  assert.equal(normalizeBaggage(normal), normal, "not the same once it was sent");
  const entries = parseBaggage(header);
  assert.ok(entries.length <= 64);
  assert.deepEqual(parseBaggage(normal), entries);
  // What is encoded anew may be longer than what came: then some of it no longer fits, and is left out whole.
  const again = parseBaggage(formatBaggage(entries));
  if (again.length === entries.length) assert.deepEqual(again, entries);
  else assert.ok(header.length > 2500, `${entries.length} entries became ${again.length}`);
  const properties = entries.reduce((sum, entry) => sum + entry.properties.length, 0);
  return Math.min(entries.length, 2) + Math.min(properties, 1) / 10;
}
