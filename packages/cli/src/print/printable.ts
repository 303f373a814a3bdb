/**
 * C0, DEL and C1, which terminals take as commands, and the characters that reorder or hide text (bidirectional
 * controls, line and paragraph separators, zero-width ones).
 */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const UNPRINTABLE_IN_JSON = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * Text that came from elsewhere, safe to be printed inside a line: runs of white space become one space, what is left of control
 * characters goes. Sandboxed code chooses its own names and messages, and must not be able to paint over ours.
 */
export function printable(text: string): string {
  return text.replace(/[\t\n\v\f\r]+/g, " ").replace(UNPRINTABLE, "");
}

/** {@link printable}, at most `width` columns of it. */
export function shortened(text: string, width: number): string {
  const clean = [...printable(text)];
  return clean.length <= width ? clean.join("") : `${clean.slice(0, Math.max(0, width - 1)).join("")}…`;
}

/** JSON for a terminal: what JSON itself leaves as it is (C1, bidirectional controls) is escaped too; its meaning stays. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    UNPRINTABLE_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
