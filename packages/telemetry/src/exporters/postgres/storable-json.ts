const ESCAPE = Buffer.from("\\u");
const NUL = Buffer.from("\\u0000");
const SURROGATE = Buffer.from("\\ud");
/** One escape at a time, so that the second backslash of `\\` begins none. A pair of surrogates is one. */
const ESCAPES = /\\(?:u(d[89ab]..)\\u(d[c-f]..)|u(....)|.)/gi;

/**
 * JSON that JSONB can hold: it has no NUL and no half of a surrogate pair, and would refuse the event. Each becomes U+FFFD.
 * Takes what `JSON.stringify` writes; returns the same bytes where there is nothing to do, which is nearly always.
 */
export function storableJson(json: Buffer): Buffer {
  const first = json.indexOf(ESCAPE);
  if (first === -1) return json;
  if (json.indexOf(NUL, first) === -1 && json.indexOf(SURROGATE, first) === -1) return json;
  return Buffer.from(json.toString("utf8").replace(ESCAPES, replaceUnstorable));
}

function replaceUnstorable(whole: string, high: string | undefined, _low: string, hex?: string): string {
  if (high !== undefined || hex === undefined) return whole;
  const unit = Number.parseInt(hex, 16);
  return unit === 0 || (unit >= 0xd800 && unit <= 0xdfff) ? "\\ufffd" : whole;
}
