import { createHash } from "node:crypto";

const BLOCK_BYTES = 1024 ** 2;
/** Odd, so that no two of a 2^20 rotations of a block are the same: a lost, doubled or swapped part changes the checksum. */
const STEP = 40_503;
const SEED = "sandglass";

/** `text` is lines of 76 printable characters, `binary` has bytes of every value and is not UTF-8. */
export type DataKind = "text" | "binary";

/**
 * A program that writes `argv[1]` MiB of the data to stdout. Python, which every template has; it does little more than copy
 * memory, so as not to be what is measured.
 */
export const GENERATOR = `
import base64, hashlib, sys
size = ${BLOCK_BYTES}
block = hashlib.shake_256(b"${SEED}").digest(size)
if sys.argv[2] == "text":
    block = base64.encodebytes(block)[:size]
out = sys.stdout.buffer
for i in range(int(sys.argv[1])):
    at = i * ${STEP} % size
    out.write(block[at:])
    out.write(block[:at])
out.flush()
`;

/** The generator as an argument list. */
export function generatorCommand(mebibytes: number, kind: DataKind): string[] {
  return ["/usr/bin/python3", "-c", GENERATOR, String(mebibytes), kind];
}

/** SHA-256 of what the generator writes, computed here from the same description without it. */
export function expectedChecksum(mebibytes: number, kind: DataKind): string {
  const noise = createHash("shake256", { outputLength: BLOCK_BYTES }).update(SEED).digest();
  const block =
    kind === "binary"
      ? noise
      : Buffer.from(noise.toString("base64").replace(/.{1,76}/g, "$&\n")).subarray(0, BLOCK_BYTES);
  const hash = createHash("sha256");
  for (let i = 0; i < mebibytes; i++) {
    const at = (i * STEP) % BLOCK_BYTES;
    hash.update(block.subarray(at)).update(block.subarray(0, at));
  }
  return hash.digest("hex");
}
