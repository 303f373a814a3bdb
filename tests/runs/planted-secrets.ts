import { randomInt } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from "node:zlib";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LENGTH = 24;
/** Of a text whose beginning is not at a boundary of base64: what does not depend on its neighbours. */
const BASE64_SHIFTS = [0, 1, 2];
/** More of it is not looked at in one piece: every two bytes may be a beginning. */
const MAX_COMPRESSED_BYTES = 256 * 1024;
/** What compressed data begins with, and what undoes it as far as it goes. */
const COMPRESSED: readonly (readonly [magic: Buffer, inflate: (bytes: Buffer) => Buffer])[] = [
  [Buffer.from("1f8b08", "hex"), (bytes) => gunzipSync(bytes, { finishFlush: 2 })],
  ...["7801", "785e", "789c", "78da"].map(
    (magic) =>
      [Buffer.from(magic, "hex"), (bytes: Buffer) => inflateSync(bytes, { finishFlush: 2 })] as const,
  ),
  [Buffer.from("28b52ffd", "hex"), (bytes) => zstdDecompressSync(bytes)],
  [Buffer.from("504b0304", "hex"), (bytes) => inflateRawSync(bytes.subarray(30), { finishFlush: 2 })],
];

/** Texts that nothing else has in it, one for each place where it is planted. */
export class PlantedSecrets {
  readonly #needles = new Map<string, Buffer[]>();
  readonly #values = new Map<string, string>();

  /** The secret of a place: letters only, so that no escaping changes it. */
  of(place: string): string {
    let value = this.#values.get(place);
    if (value === undefined) {
      value = Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join("");
      this.#values.set(place, value);
      this.#needles.set(place, needlesOf(value));
    }
    return value;
  }

  get places(): string[] {
    return [...this.#values.keys()];
  }

  /** Places whose secret is in these bytes: as it is, in base64, hexadecimal or UTF-16, and in what is compressed in there. */
  in(bytes: Buffer, depth = 0): string[] {
    const found = this.places.filter((place) =>
      this.#needles.get(place)!.some((needle) => bytes.includes(needle)),
    );
    if (depth < 2) for (const inflated of inflatedParts(bytes)) found.push(...this.in(inflated, depth + 1));
    return [...new Set(found)];
  }

  /** Of every file below, and of its name: `path: places`. What goes away meanwhile is left out. */
  below(directory: string, isLeftOut: (path: string) => boolean = () => false): Record<string, string[]> {
    const found: Record<string, string[]> = {};
    for (const path of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
      if (isLeftOut(path)) continue;
      const places = [...this.in(Buffer.from(path)), ...this.in(contentOf(join(directory, path)))];
      if (places.length > 0) found[path] = places;
    }
    return found;
  }
}

function needlesOf(value: string): Buffer[] {
  const base64 = BASE64_SHIFTS.flatMap((shift) => {
    const text = Buffer.from(`${"x".repeat(shift)}${value}`).toString("base64");
    // The first group has the neighbour's bits in it, the last what comes behind.
    return [Buffer.from(text.slice(shift === 0 ? 0 : 4, -4))];
  });
  const hex = Buffer.from(value).toString("hex");
  const utf16 = Buffer.from(value, "utf16le");
  const forms = [Buffer.from(value), ...base64, Buffer.from(hex), Buffer.from(hex.toUpperCase()), utf16];
  return [...forms, Buffer.from(utf16).swap16()];
}

function* inflatedParts(bytes: Buffer): Generator<Buffer> {
  for (const [magic, inflate] of COMPRESSED) {
    for (let at = bytes.indexOf(magic); at !== -1; at = bytes.indexOf(magic, at + 1)) {
      try {
        yield inflate(bytes.subarray(at, at + MAX_COMPRESSED_BYTES));
      } catch {
        // Only looked like it.
      }
    }
  }
}

function contentOf(path: string): Buffer {
  try {
    return statSync(path).isFile() ? readFileSync(path) : Buffer.alloc(0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}
