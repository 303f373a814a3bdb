/**
 * `text` without the spaces and tabs around it: HTTP's optional whitespace (RFC 9110 section 5.6.3), nothing more. By hand,
 * because a pattern for the end takes quadratic time on a hostile header full of spaces.
 */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
