import type { RuntimeEvent } from "@sandglass/protocol";

/** Control and format characters (bidirectional overrides among them), and what is a line's end to somebody. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** An event as one line of JSON that a terminal shows as it is: what JSON leaves unescaped and nobody sees is escaped too. */
export function jsonLine(event: RuntimeEvent, hasTimestamp: boolean): string {
  // A key without a value is left out.
  return escapeInvisible(JSON.stringify(hasTimestamp ? event : { ...event, timestamp: undefined }));
}

/** JSON with `\uXXXX` in place of what cannot be seen; its meaning stays. */
export function escapeInvisible(json: string): string {
  return json.replace(INVISIBLE, (character) => {
    let escaped = "";
    for (let i = 0; i < character.length; i++) {
      escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
    }
    return escaped;
  });
}
