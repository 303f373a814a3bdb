const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;
/** Of a longer text its beginning counts. */
const MAX_BYTES = 256;
/** Digits of a number that are the same whoever wrote it. */
const DIGITS = 15;

/** FNV-1a, 32 bits, of bytes from `start` on, before `end`. */
export function bytesHash(bytes: Uint8Array, start: number, end: number): number {
  let hash = OFFSET;
  const last = Math.min(end, start + MAX_BYTES);
  for (let at = start; at < last; at += 1) hash = Math.imul(hash ^ bytes[at]!, PRIME);
  return hash >>> 0;
}

/** The same of a text's UTF-8. */
export function textHash(text: string): number {
  let hash = OFFSET;
  const length = Math.min(text.length, MAX_BYTES);
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) {
      const bytes = Buffer.from(text);
      return bytesHash(bytes, 0, bytes.length);
    }
    hash = Math.imul(hash ^ code, PRIME);
  }
  return hash >>> 0;
}

/** A name and its value as one number, a safe integer: others may have the same. */
export function pairHash(nameHash: number, valueHash: number): number {
  const low = (Math.imul(nameHash, 0x9e3779b1) ^ valueHash) >>> 0;
  return ((nameHash ^ (valueHash >>> 7)) & 0x1f_ffff) * 0x1_0000_0000 + low;
}

/** Numbers are found however they are written: `1e3` and `1000` are the same. */
export function numberHash(value: number): number {
  // Most are whole and have fewer: cutting them takes longer than all else here.
  const isShort = Number.isInteger(value) && Math.abs(value) < 10 ** DIGITS;
  return textHash(String(isShort ? value : Number(value.toPrecision(DIGITS))));
}

/** Of an attribute as JSON has it. Undefined of null, which is no value. */
export function attributeHash(name: string, value: unknown): number | undefined {
  if (value === null || value === undefined) return undefined;
  const nameHash = textHash(name);
  if (typeof value === "number") return pairHash(nameHash, numberHash(value));
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return pairHash(nameHash, textHash(text));
}

/** All that an attribute may have which is asked for by `text`: a text, or what is written like it. */
export function askedHashes(name: string, text: string): number[] {
  const nameHash = textHash(name);
  const hashes = [pairHash(nameHash, textHash(text))];
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) hashes.push(pairHash(nameHash, numberHash(value)));
  return [...new Set(hashes)];
}
