import type { Seeded } from "../../packages/testkit/src/seeded.ts";

const BYTES = [0, 1, 9, 10, 13, 0x1b, 0x20, 0x22, 0x2c, 0x2e, 0x3a, 0x5c, 0x7f, 0x80, 0xc2, 0xf5, 0xff];
const NUMBERS = [0, 1, 5, 9, 64, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const MAX_PIECE = 64;

/** One to four random changes to `given`, some by parts of `other` or by words. */
export function mutate(given: Buffer, other: Buffer, words: readonly Buffer[], random: Seeded): Buffer {
  let bytes = given;
  for (let times = 1 + random.int(4); times > 0; times--) bytes = change(bytes, other, words, random);
  return bytes;
}

function change(
  given: Buffer,
  other: Buffer,
  words: readonly Buffer[],
  { int, pick, bytes }: Seeded,
): Buffer {
  const at = int(given.length + 1);
  const end = at + int(Math.min(given.length - at, MAX_PIECE) + 1);
  const put = (piece: Uint8Array, upTo = at): Buffer =>
    Buffer.concat([given.subarray(0, at), piece, given.subarray(upTo)]);
  switch (int(12)) {
    case 0:
      return put(Buffer.of((given[at] ?? 0) ^ (1 << int(8))), at + 1);
    case 1:
      return put(Buffer.of(pick(BYTES)), at + int(2));
    case 2:
      return put(Buffer.of((given[at] ?? 0) + int(5) - 2), at + 1);
    case 3:
      return put(Buffer.alloc(0), end);
    case 4:
      return put(given.subarray(at, end));
    case 5: {
      const from = int(other.length + 1);
      return put(other.subarray(from, from + int(MAX_PIECE)), end);
    }
    case 6: {
      const number = Buffer.alloc(4);
      number.writeUInt32LE(pick(NUMBERS));
      return put(number, at + 4);
    }
    case 7:
      return put(bytes(1 + int(8)), end);
    case 8:
      return given.subarray(0, at);
    case 9:
      return put(Buffer.of(int(256)), at + 1);
    default: {
      const word = words.length === 0 ? Buffer.of(pick(BYTES)) : pick(words);
      return put(word, int(2) === 0 ? at : Math.min(given.length, at + word.length));
    }
  }
}
