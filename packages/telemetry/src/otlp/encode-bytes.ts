import { NIBBLES, type ProtoWriter } from "./proto-writer.ts";

/** Below this, copying bytes one by one is quicker. */
const SHORT_BYTES = 48;
/** A tag and a length, at most. */
const HEAD_BYTES = 6;

/** Writes a number below 2^32 as a varint at `at`; returns where it goes on. */
export function putVarint(buffer: Buffer, at: number, value: number): number {
  let next = at;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) buffer[next++] = (rest & 0x7f) | 0x80;
  buffer[next++] = rest;
  return next;
}

/** Copies a part of `source` to `at`; returns where it goes on. */
export function copyBytes(buffer: Buffer, at: number, source: Buffer, start: number, end: number): number {
  if (end - start >= SHORT_BYTES) return at + source.copy(buffer, at, start, end);
  let next = at;
  for (let index = start; index < end; index++) buffer[next++] = source[index]!;
  return next;
}

/** A field of bytes whose hexadecimal digits stand in `source`, an even number of them. */
export function writeHexOf(
  writer: ProtoWriter,
  fieldTag: number,
  source: Buffer,
  start: number,
  end: number,
): void {
  const length = (end - start) >>> 1;
  let at = writer.reserve(HEAD_BYTES + length);
  const { buffer } = writer;
  buffer[at++] = fieldTag;
  at = putVarint(buffer, at, length);
  for (let index = start; index + 1 < end; index += 2) {
    buffer[at++] = (NIBBLES[source[index]!]! << 4) | NIBBLES[source[index + 1]!]!;
  }
  writer.advance(at);
}
