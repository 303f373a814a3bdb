const MAX_NAME_CHARACTERS = 200;
const MAX_CONTENT_BYTES = 8 * 1024;

/** A name from outside, made fit for a record and a label: one line, at most 200 characters. */
export function cleanName(text: string): string {
  const start = text.slice(0, 4 * MAX_NAME_CHARACTERS);
  const line = start.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
  if (line.length <= MAX_NAME_CHARACTERS) return line.toWellFormed();
  return `${line.slice(0, MAX_NAME_CHARACTERS - 1).toWellFormed()}…`;
}

/** Content for a record: its first 8 KiB of UTF-8, and how much there was where it is cut. */
export function cutContent(text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_CONTENT_BYTES) return text;
  const start = Buffer.from(text.slice(0, MAX_CONTENT_BYTES)).subarray(0, MAX_CONTENT_BYTES);
  // A character that the cut went through reads as U+FFFD.
  return `${start.toString("utf8").replace(/\uFFFD+$/, "")}… [cut: ${bytes} bytes in all]`;
}
