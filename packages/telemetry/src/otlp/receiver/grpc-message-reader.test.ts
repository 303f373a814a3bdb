import assert from "node:assert/strict";
import { test } from "node:test";
import { seeded } from "@sandglass/testkit";
import { GrpcMessageReader, type MessagePrefix } from "./grpc-message-reader.ts";

function framed(message: Buffer, flag = 0, announced = message.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(announced, 1);
  return Buffer.concat([prefix, message]);
}

function reader(accept = true): { reader: GrpcMessageReader; prefixes: MessagePrefix[] } {
  const prefixes: MessagePrefix[] = [];
  return {
    prefixes,
    reader: new GrpcMessageReader((prefix) => {
      prefixes.push(prefix);
      return accept;
    }),
  };
}

test("a message is the same however it is cut, and its prefix is asked about once", () => {
  const random = seeded(1);
  for (let round = 0; round < 300; round++) {
    const message = random.bytes(random.int(400));
    const bytes = framed(message, round % 2);
    const { reader: read, prefixes } = reader();
    for (let at = 0; at < bytes.length; ) {
      assert.equal(read.state, "more");
      const end = at + 1 + random.int(40);
      read.push(bytes.subarray(at, end));
      at = end;
    }
    assert.equal(read.state, "complete");
    assert.deepEqual(read.message, message);
    assert.deepEqual(prefixes, [{ isCompressed: round % 2 === 1, sizeBytes: message.length }]);
  }
});

test("an empty message is complete with its prefix, and no message at all is told apart from it", () => {
  const { reader: read } = reader();
  assert.equal(read.isEmpty, true);
  assert.equal(read.push(framed(Buffer.alloc(0))), "complete");
  assert.equal(read.isEmpty, false);
  assert.equal(read.message.length, 0);
});

test("a message that is refused by its prefix takes no memory, whatever comes", () => {
  const { reader: read } = reader(false);
  assert.equal(read.push(framed(Buffer.from("x"), 0, 0xffff_ffff)), "refused");
  assert.equal(read.push(Buffer.alloc(1000)), "refused");
  assert.equal(read.message.length, 0);
});

test("what comes behind the message is surplus, in the same piece and in the next", () => {
  assert.equal(reader().reader.push(Buffer.concat([framed(Buffer.from("ab")), Buffer.of(0)])), "surplus");
  const { reader: read } = reader();
  assert.equal(read.push(framed(Buffer.from("ab"))), "complete");
  assert.equal(read.push(Buffer.alloc(0)), "complete");
  assert.equal(read.push(Buffer.of(0)), "surplus");
});

test("a flag that is neither 0 nor 1 is told without asking about the size", () => {
  const { reader: read, prefixes } = reader();
  assert.equal(read.push(framed(Buffer.from("ab"), 2)), "bad_flag");
  assert.deepEqual(prefixes, []);
});

test("a message in pieces of a byte is given up; one in pieces of a kilobyte is not", () => {
  const message = Buffer.alloc(100_000, 7);
  const bytes = framed(message);
  const dripped = reader().reader;
  let at = 0;
  while (dripped.state === "more") dripped.push(bytes.subarray(at, ++at));
  assert.equal(dripped.state, "fragmented");
  assert.ok(at < 1000, `after ${at} bytes`);
  const sent = reader().reader;
  for (let start = 0; start < bytes.length; start += 1024) sent.push(bytes.subarray(start, start + 1024));
  assert.equal(sent.state, "complete");
  assert.deepEqual(sent.message, message);
});
