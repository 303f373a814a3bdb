import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { newExecId } from "@sandglass/protocol";
import { seeded } from "@sandglass/testkit";
import {
  decodeRecord,
  encodeHeader,
  exitPayload,
  incompleteTail,
  Kind,
  outputKind,
  recordLine,
} from "./record.ts";

const execId = newExecId();

describe("the end of a piece of output", () => {
  const characters = ["a", "é", "€", "😀", "\u07ff", "\u0800", "\uffff", "\u{10ffff}"];
  for (const character of characters) {
    const bytes = Buffer.from(character);
    test(`U+${character.codePointAt(0)?.toString(16)} is held back while it is incomplete, and not after`, () => {
      for (const before of ["", "x", "é"]) {
        for (let have = 0; have <= bytes.length; have++) {
          const data = Buffer.concat([Buffer.from(before), bytes.subarray(0, have)]);
          assert.equal(
            incompleteTail(data),
            have === bytes.length ? 0 : have,
            `${have} of ${bytes.length} bytes`,
          );
        }
      }
    });
  }

  const never: [why: string, bytes: number[]][] = [
    ["bytes that continue nothing", [0x80, 0x80, 0x80, 0x80]],
    ["bytes that begin nothing", [0x61, 0xff]],
    ["an overlong form's first byte", [0x61, 0xc0]],
    ["a first byte beyond Unicode", [0x61, 0xf5]],
  ];
  for (const [why, bytes] of never)
    test(`${why} wait for nothing`, () => assert.equal(incompleteTail(Buffer.from(bytes)), 0));
});

describe("a record", () => {
  test("is what it was after it has been in a file", () => {
    const payload = Buffer.from("payload");
    const record = { execId, kind: Kind.stderr, seq: 0xfffffffe, ts: Date.now() + 0.5, payload };
    const bytes = Buffer.concat([encodeHeader(record), payload, Buffer.from("what follows")]);
    assert.deepEqual(decodeRecord(bytes, bytes.length - 12), record);
  });

  test("any bytes are a line of JSON that gives them back", () => {
    const awkward = [
      '"\\\n\r\t\b\f',
      "\u2028\u2029\u007f\u0000\u001f",
      "😀\ufeff",
      "</script>",
      "\ud7ff\ue000",
    ];
    const samples: Buffer[] = awkward.map((text) => Buffer.from(text));
    for (let seed = 0; seed < 500; seed++) {
      const random = seeded(seed);
      samples.push(random.bytes(random.int(30)), Buffer.from(random.bytes(20).map((byte) => byte & 0x7f)));
    }
    for (const payload of samples) {
      for (const stream of ["stdout", "stderr"] as const) {
        const line = recordLine({ execId, kind: outputKind(stream, payload), seq: 3, ts: 17, payload });
        assert.ok(line.endsWith("\n") && line.indexOf("\n") === line.length - 1, line);
        const { type, data, encoding, seq, ts } = JSON.parse(line);
        assert.deepEqual([type, seq, ts], [stream, 3, 17]);
        assert.deepEqual(Buffer.from(data, encoding === "base64" ? "base64" : "utf8"), payload);
        const isText = Buffer.from(payload.toString("utf8")).equals(payload);
        assert.equal(encoding, isText ? undefined : "base64");
      }
    }
  });

  test("a result and an exit keep their fields, in front of seq and ts", () => {
    const result = Buffer.from(JSON.stringify({ "text/plain": '"x"\n', "text/html": "<b>" }));
    assert.deepEqual(JSON.parse(recordLine({ execId, kind: Kind.result, seq: 1, ts: 2, payload: result })), {
      type: "result",
      data: { "text/plain": '"x"\n', "text/html": "<b>" },
      seq: 1,
      ts: 2,
    });
    const exit = {
      type: "exit",
      data: 137,
      code: 137,
      signal: "SIGKILL",
      cause: "killed",
      durationMs: 1.5,
      execId,
    } as const;
    const line = recordLine({ execId, kind: Kind.exit, seq: 4, ts: 5, payload: exitPayload(exit) });
    assert.deepEqual(JSON.parse(line), { ...exit, seq: 4, ts: 5 });
  });
});
