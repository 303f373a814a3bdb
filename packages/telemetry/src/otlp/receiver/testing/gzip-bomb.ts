import { constants, deflateRawSync } from "node:zlib";

const PIECE_BYTES = 16 * 1024 * 1024;
/** Of a member without a name (RFC 1952, 2.3). */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);

/** One member of gzip that inflates to that many zeros, which takes a thousandth of it. Its end, which nobody should get to, is missing. */
export function gzipBomb(sizeBytes: number): Buffer {
  // Ends at a border of bytes and refers to nothing before it, so that any number of it may stand one behind the other.
  const piece = deflateRawSync(Buffer.alloc(PIECE_BYTES), { level: 9, finishFlush: constants.Z_FULL_FLUSH });
  const pieces = Array.from({ length: Math.ceil(sizeBytes / PIECE_BYTES) }, () => piece);
  return Buffer.concat([HEADER, ...pieces]);
}
