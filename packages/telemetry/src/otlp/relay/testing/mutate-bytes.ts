import { LEN } from "../../wire.ts";
import { FieldReader } from "../field-reader.ts";
import { HOST_OWNED_KEYS } from "../host-owned-keys.ts";
import {
  attribute,
  concat,
  entry,
  fixed32,
  fixed64,
  number,
  resource,
  scopeSpans,
  sized,
  tagOf,
  varint,
} from "./forge.ts";

type Random = (below: number) => number;

const BYTES = [0, 1, 2, 0x08, 0x0a, 0x0b, 0x0c, 0x12, 0x1a, 0x7f, 0x80, 0x8a, 0xc0, 0xff];
const WORDS = [
  ...HOST_OWNED_KEYS.map((key) => sized(1, key)),
  ...HOST_OWNED_KEYS.map((key) => attribute(key)),
  sized(1, sized(1, "sandglass"), sized(2, sized(6, attribute("sandbox.id")))),
  attribute("\u{feff}container.id"),
  attribute(concat("container.id", Buffer.of(0x80))),
  sized(3, sized(3, "container.id")),
  resource(attribute("service.instance.id")),
  scopeSpans(1),
  entry(resource(attribute("sandglass.run.id")), scopeSpans(1)),
  number(1, 20, 6),
  number(15, 2n ** 63n),
  fixed32(16),
  fixed64(4),
  tagOf(2n ** 32n + 1n, 2),
  varint(2 ** 31),
  Buffer.of(0xef, 0xbb, 0xbf),
];

/** One to three random changes to `given`, some with parts of `other`. */
export function mutateBytes(given: Buffer, other: Buffer, random: Random): Buffer {
  let bytes = given;
  for (let times = 1 + random(3); times > 0; times--) {
    bytes = random(3) === 0 ? mutateOnce(bytes, other, random) : mutateInside(bytes, other, random);
  }
  return bytes;
}

/** Changes something at any depth, and makes the lengths around it right again: only so do changes get deep into a request. */
function mutateInside(given: Buffer, other: Buffer, random: Random): Buffer {
  const fields = sizedFieldsOf(given);
  const chosen = fields[random(fields.length)];
  if (chosen === undefined || random(5) === 0) return mutateOnce(given, other, random);
  const { start, valueStart, end } = chosen;
  const inner = mutateInside(given.subarray(valueStart, end), other, random);
  const padding = random(12) === 0 ? random(6) : 0;
  return concat(
    given.subarray(0, start),
    varint(given[start]!),
    varint(inner.length, padding),
    inner,
    given.subarray(end),
  );
}

/** The fields with a length and a tag of one byte, as far as the bytes are sound. */
function sizedFieldsOf(bytes: Buffer): { start: number; valueStart: number; end: number }[] {
  const reader = new FieldReader();
  const fields: { start: number; valueStart: number; end: number }[] = [];
  reader.enter(bytes, 0, bytes.length);
  while (reader.next()) {
    const { wireType, fieldStart, valueStart, at } = reader;
    if (wireType === LEN && bytes[fieldStart]! < 0x80)
      fields.push({ start: fieldStart, valueStart, end: at });
  }
  return fields;
}

function mutateOnce(given: Buffer, other: Buffer, random: Random): Buffer {
  const at = random(given.length + 1);
  const end = at + random(Math.min(given.length - at, 64) + 1);
  switch (random(8)) {
    case 0:
      return overwrite(given, at, Buffer.of((given[at] ?? 0) ^ (1 << random(8))));
    case 1:
      return overwrite(given, at, Buffer.of(BYTES[random(BYTES.length)]!));
    case 2:
      return overwrite(given, at, Buffer.of((given[at] ?? 0) + random(5) - 2));
    case 3:
      return concat(given.subarray(0, at), given.subarray(end));
    case 4:
      return concat(given.subarray(0, at), given.subarray(at, end), given.subarray(at));
    case 5: {
      const from = random(other.length + 1);
      return concat(given.subarray(0, at), other.subarray(from, from + random(200)), given.subarray(end));
    }
    case 6: {
      const field = sizedFieldsOf(given)[0];
      const place = field === undefined ? at : [0, field.start, field.end, given.length][random(4)]!;
      return concat(given.subarray(0, place), WORDS[random(WORDS.length)]!, given.subarray(place));
    }
    default:
      return concat(tagOf(1 + random(6), 2, random(4)), varint(given.length, random(4)), given);
  }
}

function overwrite(given: Buffer, at: number, bytes: Buffer): Buffer {
  return concat(given.subarray(0, at), bytes, given.subarray(at + bytes.length));
}
