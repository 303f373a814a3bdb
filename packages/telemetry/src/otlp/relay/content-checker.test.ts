import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Signal } from "../model.ts";
import { decodeByOracle } from "../testing/oracle.ts";
import { FIXED32, FIXED64, LEN, VARINT } from "../wire.ts";
import { CompiledChecker } from "./compiled/compiled-checker.ts";
import { ContentChecker } from "./content-checker.ts";
import { concat, entry, fixed32, fixed64, number, sized, tagOf, varint } from "./testing/forge.ts";

const compiled = CompiledChecker.make()!;

/** Fields as those of a span, a log record or a metric. */
function item(...fields: Uint8Array[]): Buffer {
  return entry(sized(2, sized(2, ...fields)));
}

function keyValue(...anyValue: Uint8Array[]): Buffer {
  return item(sized(9, sized(1, "key"), sized(2, ...anyValue)));
}

/** The text in it makes it six bytes long, whatever it says. */
function valueOfLength(length: number): Buffer {
  return item(sized(9, sized(1, "key"), tagOf(2, LEN), varint(length), sized(1, "text")));
}

/** Of a histogram (9) or an exponential one (10). */
function point(kind: number, ...fields: Uint8Array[]): Buffer {
  return item(sized(kind, sized(1, ...fields)));
}

function problemOf(body: Uint8Array, signal: Signal = "traces"): string | undefined {
  const checker = new ContentChecker();
  // Within a larger buffer: what is read beyond the end is there, and wrong.
  const around = concat(body, Buffer.alloc(64, 0x01));
  const isSound = checker.check(signal, around.subarray(0, body.length));
  if (around.length > compiled.bytes.length) return isSound ? undefined : checker.problem;
  compiled.bytes.set(around);
  if (compiled.isSound(signal, body.length)) assert.ok(isSound, "what WebAssembly takes is refused");
  return isSound ? undefined : checker.problem;
}

const TOO_LONG = "a field is longer than what holds it";
const half = (body: Uint8Array) => body.subarray(0, body.length - 1);

const sound: [what: string, body: Buffer, signal?: Signal][] = [
  ["nothing", Buffer.alloc(0)],
  ["empty messages", concat(entry(), entry(sized(2, sized(2))), keyValue())],
  [
    "all kinds of values",
    item(
      ...[
        sized(1, "text"),
        number(2, 1),
        number(3, -1n & (2n ** 64n - 1n)),
        number(3, 300),
        fixed64(4),
        sized(7, "bytes"),
      ].map((value) => sized(9, sized(1, "key"), sized(2, value))),
    ),
  ],
  ["values that are long", item(sized(9, sized(1, "k".repeat(200)), sized(2, sized(1, "x".repeat(20_000)))))],
  ["a text of three bytes of length", item(sized(5, "x".repeat(2 ** 14)))],
  ["a text of four bytes of length", item(sized(5, "x".repeat(2 ** 21)))],
  ["flags of a span", item(fixed32(16), sized(5, "name"), fixed32(16))],
  ["flags of a log record", item(fixed32(8), fixed64(1)), "logs"],
  [
    "fields that nobody knows, of every wire type",
    item(number(31, 2n ** 64n - 1n), fixed32(32), fixed64(40), sized(99)),
  ],
  ["a negative number where one of 32 bits is due", item(number(6, 2n ** 64n - 1n))],
  ["packed lists", point(9, sized(6, Buffer.alloc(16)), sized(7, Buffer.alloc(8)), sized(6)), "metrics"],
  ["lists that could be packed", point(9, fixed64(6), fixed64(7), fixed64(6)), "metrics"],
  [
    "packed numbers",
    point(10, sized(8, sized(2, varint(1), varint(2n ** 64n - 1n)), number(2, 5))),
    "metrics",
  ],
];

describe("content is sound with", () => {
  for (const [what, body, signal] of sound) {
    test(what, () => assert.equal(problemOf(body, signal), undefined));
  }
});

const unsound: [what: string, body: Buffer, problem: string | RegExp, signal?: Signal][] = [
  ["a text that leads out of its value", keyValue(half(sized(1, "text"))), TOO_LONG],
  [
    "a text that leads out of its value, one byte short of its key",
    item(sized(9, sized(1, "key"), half(sized(2, sized(1, "x"))))),
    TOO_LONG,
  ],
  [
    "a text that ends before its value does",
    keyValue(sized(1, "text"), Buffer.of(0)),
    "a field has number 0",
  ],
  [
    "a value that ends before its attribute does",
    item(sized(9, sized(1, "key"), sized(2, sized(1, "x")), Buffer.of(0))),
    "a field has number 0",
  ],
  [
    "a key that leads out of its attribute",
    item(sized(9, concat(tagOf(1, LEN), varint(30), "key"))),
    TOO_LONG,
  ],
  ["a value that is shorter than the text in it", valueOfLength(2), TOO_LONG],
  ["a value that is longer than the attribute it is in", valueOfLength(7), TOO_LONG],
  [
    "a number that is cut short",
    keyValue(concat(tagOf(3, VARINT), Buffer.of(0xff, 0xff))),
    "a number is cut short",
  ],
  [
    "a number that ends before its value does",
    keyValue(number(3, 300), Buffer.of(0)),
    "a field has number 0",
  ],
  ["a number of eleven bytes", keyValue(number(3, 1, 11)), "a number has more than 64 bits"],
  ["a bool that is cut short", keyValue(concat(tagOf(2, VARINT), Buffer.of(0x81))), "a number is cut short"],
  ["a bool of six bytes", keyValue(number(2, 1, 6)), "a number has more than 32 bits"],
  ["a double that is cut short", keyValue(half(fixed64(4))), TOO_LONG],
  ["a time that leads out of its span", item(half(fixed64(7))), TOO_LONG],
  ["a number without a value", item(tagOf(6, VARINT)), "a number is cut short"],
  ["a kind of six bytes", item(number(6, 1, 6)), "a number has more than 32 bits"],
  ["flags that lead out of their span", item(half(fixed32(16))), TOO_LONG],
  ["flags that lead out of their log record", item(half(fixed32(8))), TOO_LONG, "logs"],
  ["a span that leads out of its scope", entry(sized(2, half(sized(2, sized(5, "name"))))), TOO_LONG],
  ["a length of three bytes that leads out", item(concat(tagOf(5, LEN), varint(2 ** 14), "name")), TOO_LONG],
  ["a length of four bytes that leads out", item(concat(tagOf(5, LEN), varint(2 ** 21), "name")), TOO_LONG],
  ["a length of two bytes that leads out", item(concat(tagOf(5, LEN), varint(200), "name")), TOO_LONG],
  ["a name that is a number", item(number(5, 1)), "field 5 cannot have wire type 0"],
  ["a time that is a text", item(sized(7, "12345678")), "field 7 cannot have wire type 2"],
  ["flags that are a number", item(number(16, 1)), "field 16 cannot have wire type 0"],
  ["a group that nobody knows", item(tagOf(31, 3), tagOf(31, 4)), "wire type 3 is none of proto3"],
  ["a known field as a group", item(tagOf(5, 3)), /^wire type 3|^field 5/],
  [
    "a packed list that ends within a number",
    point(9, sized(6, Buffer.alloc(15))),
    "a packed list ends within a number",
    "metrics",
  ],
  [
    "packed numbers that are cut short",
    point(10, sized(8, sized(2, Buffer.of(1, 0x80)))),
    "a packed list is malformed",
    "metrics",
  ],
  [
    "packed numbers of eleven bytes",
    point(10, sized(8, sized(2, varint(1, 11)))),
    "a packed list is malformed",
    "metrics",
  ],
  [
    "32 fixed bits for a list of 64",
    point(9, concat(tagOf(6, FIXED32), Buffer.alloc(4))),
    "field 6 cannot have wire type 5",
    "metrics",
  ],
  [
    "64 fixed bits for a text",
    item(concat(tagOf(5, FIXED64), Buffer.alloc(8))),
    "field 5 cannot have wire type 1",
  ],
];

describe("content is refused with", () => {
  for (const [what, body, problem, signal] of unsound) {
    test(what, () =>
      assert.match(
        problemOf(body, signal) ?? "nothing",
        typeof problem === "string" ? new RegExp(`^${problem}$`) : problem,
      ),
    );
  }
});

test("the place of a problem is that of the field", () => {
  const checker = new ContentChecker();
  const span = concat(sized(1, Buffer.alloc(16)), number(5, 1));
  const body = entry(sized(2, sized(2, span)));
  assert.equal(checker.check("traces", body), false);
  assert.equal(checker.problemAt, body.length - 2);
});

test("values may nest as deep as protobufjs reads, and no deeper, also where they are plain", () => {
  const nested = (maps: number, value: Uint8Array) => {
    let inner = value;
    for (let level = 0; level < maps; level++) inner = sized(6, sized(1, sized(1, "k"), sized(2, inner)));
    return keyValue(inner);
  };
  const list = (value: Uint8Array) => sized(5, sized(1, value));
  const plain = sized(1, "x");
  for (const maps of [30, 31, 32]) {
    for (const value of [plain, list(plain), list(list(plain)), list(sized(5)), sized(6)]) {
      const body = nested(maps, value);
      const isSound = problemOf(body) === undefined;
      if (isSound) assert.ok(decodeByOracle("traces", body));
      else assert.throws(() => decodeByOracle("traces", body), /nesting depth/);
    }
  }
});
