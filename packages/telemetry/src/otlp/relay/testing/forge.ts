import { FIXED32, FIXED64, LEN, VARINT } from "../../wire.ts";

type Part = Uint8Array | string;

/** A varint. @param size bytes to take, more than it needs for one that is not the shortest */
export function varint(value: number | bigint, size = 0): Buffer {
  const bytes: number[] = [];
  for (let rest = BigInt(value); rest > 0n || bytes.length === 0; rest >>= 7n)
    bytes.push(Number(rest & 0x7fn));
  while (bytes.length < size) bytes.push(0);
  return Buffer.from(bytes.map((byte, index) => (index < bytes.length - 1 ? byte | 0x80 : byte)));
}

/** A tag. */
export function tagOf(field: number | bigint, wireType: number, size = 0): Buffer {
  return varint((BigInt(field) << 3n) | BigInt(wireType), size);
}

/** A field with a length: a text, bytes or a message. */
export function sized(field: number | bigint, ...parts: Part[]): Buffer {
  const value = concat(...parts);
  return concat(tagOf(field, LEN), varint(value.length), value);
}

/** A field that is a number. */
export function number(field: number, value: number | bigint, size = 0): Buffer {
  return concat(tagOf(field, VARINT), varint(value, size));
}

export function fixed64(field: number): Buffer {
  return concat(tagOf(field, FIXED64), Buffer.alloc(8, 1));
}

export function fixed32(field: number): Buffer {
  return concat(tagOf(field, FIXED32), Buffer.alloc(4, 1));
}

export function concat(...parts: Part[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
}

/** A `KeyValue` with a text, as an attribute of a Resource. */
export function attribute(key: Part, value = "forged"): Buffer {
  return sized(1, sized(1, key), sized(2, sized(1, value)));
}

/** `ResourceSpans.resource`. */
export function resource(...fields: Part[]): Buffer {
  return sized(1, ...fields);
}

/** `ResourceSpans.scope_spans` with that many spans. */
export function scopeSpans(spans: number): Buffer {
  const span = sized(2, sized(1, Buffer.alloc(16, 7)), sized(2, Buffer.alloc(8, 9)), sized(5, "GET /"));
  return sized(
    2,
    sized(1, sized(1, "scope")),
    ...Array.from({ length: spans }, () => span),
    sized(3, "schema"),
  );
}

/** `ExportTraceServiceRequest.resource_spans`. */
export function entry(...fields: Part[]): Buffer {
  return sized(1, ...fields);
}
