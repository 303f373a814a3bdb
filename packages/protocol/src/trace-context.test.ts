import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { isTraceId } from "./ids.ts";
import {
  contextFromHeaders,
  formatTraceparent,
  parseTraceparent,
  traceEnvironment,
} from "./trace-context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const hex = (length: number) =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)).filter((text) => !/^0+$/.test(text));

describe("traceparent (W3C Trace Context Level 2, section 3.2)", () => {
  const accepted: [why: string, header: string, flags: number][] = [
    ["sampled", `00-${TRACE}-${SPAN}-01`, 1],
    ["not sampled", `00-${TRACE}-${SPAN}-00`, 0],
    ["random", `00-${TRACE}-${SPAN}-03`, 3],
    ["flags that are not defined yet", `00-${TRACE}-${SPAN}-ff`, 0xff],
    ["spaces around it", ` \t00-${TRACE}-${SPAN}-01\t `, 1],
    ["a later version", `cc-${TRACE}-${SPAN}-01`, 1],
    ["a later version with more fields", `cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`, 1],
    ["a later version with an empty field", `01-${TRACE}-${SPAN}-01-`, 1],
  ];
  for (const [why, header, flags] of accepted) {
    test(`accepts ${why}`, () => {
      assert.deepEqual(parseTraceparent(header), { traceId: TRACE, parentSpanId: SPAN, flags });
      assert.deepEqual(parseTraceparent([header]), { traceId: TRACE, parentSpanId: SPAN, flags });
    });
  }

  const refused: [why: string, header: string | string[] | undefined][] = [
    ["nothing", undefined],
    ["an empty header", ""],
    ["version ff", `ff-${TRACE}-${SPAN}-01`],
    ["version 00 with more fields", `00-${TRACE}-${SPAN}-01-extra`],
    ["version 00 with a dash at the end", `00-${TRACE}-${SPAN}-01-`],
    ["a later version with more but no dash", `cc-${TRACE}-${SPAN}-01.what-the-future-will-be-like`],
    ["a later version that is too short", `cc-${TRACE}-${SPAN}-0`],
    ["a version of one character", `0-${TRACE}-${SPAN}-01`],
    ["a version of three characters", `000-${TRACE}-${SPAN}-01`],
    ["a version that is not hex", `.0-${TRACE}-${SPAN}-01`],
    ["an upper-case version", `CC-${TRACE}-${SPAN}-01`],
    ["an upper-case trace id", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ["an upper-case parent id", `00-${TRACE}-${SPAN.toUpperCase()}-01`],
    ["upper-case flags", `00-${TRACE}-${SPAN}-0A`],
    ["an all-zero trace id", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["an all-zero parent id", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["a short trace id", `00-${TRACE.slice(1)}-${SPAN}-01`],
    ["a long trace id", `00-${TRACE}0-${SPAN}-01`],
    ["a short parent id", `00-${TRACE}-${SPAN.slice(1)}-01`],
    ["characters that are not hex", `00-${TRACE.replace("4", ".")}-${SPAN}-01`],
    ["flags of one character", `00-${TRACE}-${SPAN}-1`],
    ["flags that are not hex", `00-${TRACE}-${SPAN}-.0`],
    ["another separator", `00_${TRACE}_${SPAN}_01`],
    ["a line behind it", `00-${TRACE}-${SPAN}-01\n`],
    ["two headers", [`00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01`]],
    ["two headers, joined", `00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`],
    ["two headers of a later version, joined", `01-${TRACE}-${SPAN}-01, 01-${TRACE}-${SPAN}-01`],
  ];
  for (const [why, header] of refused) {
    test(`refuses ${why}`, () => assert.equal(parseTraceparent(header), undefined));
  }

  test("what is formatted is parsed again; only the defined flags are sent on", () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.integer({ min: 0, max: 255 }), (traceId, spanId, flags) => {
        const header = formatTraceparent(traceId, spanId, flags);
        assert.equal(header.length, 55);
        assert.deepEqual(parseTraceparent(header), { traceId, parentSpanId: spanId, flags: flags & 3 });
      }),
    );
  });

  test("no text makes the parser throw, and what it takes has valid ids", () => {
    const almost = fc.tuple(fc.nat({ max: 54 }), fc.string({ maxLength: 3 })).map(([at, text]) => {
      const header = `00-${TRACE}-${SPAN}-01`;
      return header.slice(0, at) + text + header.slice(at + 1);
    });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), almost), (text) => {
        const parsed = parseTraceparent(text);
        assert.ok(parsed === undefined || isTraceId(parsed.traceId));
      }),
    );
  });
});

describe("context from headers", () => {
  test("a valid traceparent is continued with its tracestate and baggage", () => {
    const context = contextFromHeaders({
      traceparent: `00-${TRACE}-${SPAN}-00`,
      tracestate: ["rojo=00f067aa0ba902b7", " , congo=t61rcWkgMzE"],
      baggage: ["userId =  alice", "serverNode=DF%2028"],
    });
    assert.deepEqual(context, {
      traceId: TRACE,
      parentSpanId: SPAN,
      traceFlags: 0,
      tracestate: "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
      baggage: "userId=alice,serverNode=DF%2028",
    });
  });

  for (const traceparent of [undefined, "", "garbage", `00-${TRACE}-${SPAN}-01-x`]) {
    test(`a new trace starts where the traceparent is ${traceparent}, without the old tracestate`, () => {
      const headers = { traceparent, tracestate: "congo=t61rcWkgMzE", baggage: "userId=alice" };
      const context = contextFromHeaders(headers);
      assert.ok(isTraceId(context.traceId));
      assert.notEqual(context.traceId, TRACE);
      assert.notEqual(context.traceId, contextFromHeaders(headers).traceId);
      assert.deepEqual(
        { ...context, traceId: "" },
        {
          traceId: "",
          parentSpanId: "",
          traceFlags: 3,
          tracestate: "",
          baggage: "userId=alice",
        },
      );
    });
  }

  test("a bad tracestate is dropped and does not harm the trace", () => {
    const context = contextFromHeaders({ traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: "a=1,a=2" });
    assert.equal(context.traceId, TRACE);
    assert.equal(context.tracestate, "");
  });

  test("no headers make it throw, and all that it gives is printable", () => {
    const header = fc.oneof(fc.string({ unit: "binary" }), fc.array(fc.string()), fc.constant(undefined));
    fc.assert(
      fc.property(fc.record({ traceparent: header, tracestate: header, baggage: header }), (headers) => {
        const { tracestate, baggage } = contextFromHeaders(headers);
        assert.match(tracestate + baggage, /^[\x20-\x7e]*$/);
      }),
    );
  });
});

describe("environment of a process", () => {
  test("carries the span it belongs to, and leaves out what is empty", () => {
    const context = { traceId: TRACE, spanId: SPAN, traceFlags: 1, tracestate: "", baggage: "" };
    assert.deepEqual(traceEnvironment(context), { TRACEPARENT: `00-${TRACE}-${SPAN}-01` });
    assert.deepEqual(traceEnvironment({ ...context, tracestate: "a=1", baggage: "b=2" }), {
      TRACEPARENT: `00-${TRACE}-${SPAN}-01`,
      TRACESTATE: "a=1",
      BAGGAGE: "b=2",
    });
  });
});
