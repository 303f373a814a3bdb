// Tags: KeyValue
const KEY: i32 = 0x0a;
const VALUE: i32 = 0x12;
// AnyValue
const STRING_VALUE: i32 = 0x0a;
const BOOL_VALUE: i32 = 0x10;
const INT_VALUE: i32 = 0x18;
const DOUBLE_VALUE: i32 = 0x21;
/** Of each byte of a varint, the bit that says that another follows. */
const GOES_ON: u64 = ((0x80808080 as u64) << 32) | 0x80808080;

/** Steps over plain attributes of that tag that stand behind one another. @returns where it comes to one that is not */
export function behindAttributes(tag: i32, start: i32, end: i32): i32 {
  let at = start;
  while (at + 3 < end) {
    const head = load<u32>(at as usize) as i32;
    if ((head & 0xff) !== tag) break;
    let next: i32;
    if ((head & 0x8000) === 0) {
      next = at + 2 + ((head >> 8) & 0x7f);
      if (next > end || !isPlain(at + 2, next)) break;
    } else {
      if ((head & 0x800000) !== 0) break;
      next = at + 3 + (((head >> 8) & 0x7f) | ((head >> 9) & 0x3f80));
      if (next > end || !isLongText(at + 3, next)) break;
    }
    at = next;
  }
  return at;
}

/** As `plain-key-value.ts`: a key and then one plain value, less than 128 bytes together. */
function isPlain(start: i32, end: i32): bool {
  const first = load<u16>(start as usize) as i32;
  const inner = start + 4 + (first >> 8);
  if ((first & 0xff) !== KEY || inner + 2 > end) return false;
  const head = load<u32>((inner - 2) as usize) as i32;
  const rest = end - inner;
  if ((head & 0xffff) !== (VALUE | (rest << 8))) return false;
  const tag = (head >> 16) & 0xff;
  const byte = head >>> 24;
  if (tag === STRING_VALUE) return byte === rest - 2;
  if (tag === INT_VALUE) {
    // The first byte that does not go on is the last there is, of at most eight.
    const ends = ~load<u64>((inner + 1) as usize) & GOES_ON;
    return (ctz(ends) as i32) >> 3 === rest - 2;
  }
  if (tag === DOUBLE_VALUE) return rest === 9;
  return tag === BOOL_VALUE && rest === 2 && byte < 0x80;
}

/** A key of less than 128 bytes and a text, whose length and that of what holds it take one or two bytes. */
function isLongText(start: i32, end: i32): bool {
  const first = load<u16>(start as usize) as i32;
  let at = start + 2 + (first >> 8);
  if ((first & 0xff) !== KEY || first >= 0x8000 || at + 6 > end || load<u8>(at as usize) !== VALUE)
    return false;
  for (let layer = 0; layer < 2; layer++) {
    const head = load<u32>(at as usize) as i32;
    if (layer === 1 && (head & 0xff) !== STRING_VALUE) return false;
    if ((head & 0x8000) === 0) {
      at += 2;
      if (((head >> 8) & 0x7f) !== end - at) return false;
    } else {
      at += 3;
      if ((head & 0x800000) !== 0 || (((head >> 8) & 0x7f) | ((head >> 9) & 0x3f80)) !== end - at)
        return false;
    }
    if (layer === 0 && at + 2 > end) return false;
  }
  return true;
}
