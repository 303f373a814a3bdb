/** Longer ones are mostly different each time. */
const MAX_BYTES = 24;
const PLACES = 256;

/**
 * Short texts that come again and again, such as causes and levels: finding one by its bytes is quicker than making it anew. Each has one
 * place, which it loses to another.
 */
export class TextCache {
  readonly #texts: string[] = new Array(PLACES).fill("");

  /** The text that stands in `bytes`, of ASCII alone. */
  get(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length === 0) return "";
    if (length > MAX_BYTES) return bytes.toString("latin1", start, end);
    const place = (bytes[start]! * 31 + bytes[end - 1]! * 7 + length) & (PLACES - 1);
    const known = this.#texts[place]!;
    if (known.length === length && isAt(known, bytes, start)) return known;
    const text = bytes.toString("latin1", start, end);
    this.#texts[place] = text;
    return text;
  }
}

function isAt(text: string, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}
