const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;

/**
 * How many values a JSON text has, give or take one for each list and object: what to parse it takes memory and time for, where its
 * size says little (`[{},{},…`). Of a text that is no JSON the number means nothing.
 *
 * @param body in UTF-8
 */
export function countJsonValues(body: Uint8Array): number {
  let values = 0;
  let isText = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === QUOTE) isText = !isText;
    else if (isText) {
      if (byte === BACKSLASH) at++;
    } else if (byte === COMMA || byte === BRACE || byte === BRACKET) values++;
  }
  return values;
}
