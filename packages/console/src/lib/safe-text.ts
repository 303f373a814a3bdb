/** Marks that reorder what stands around them (Trojan Source), and those that are not seen at all. */
const HIDDEN = /[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f-\x9f]/g;
/** Longer lines are cut where they are shown: laying one out would take seconds. */
const MAX_SHOWN = 4_096;

/**
 * Text of a sandbox as it can be shown: what would reorder or hide other text is written out, a long one is cut. HTML needs nothing: text is never
 * parsed as that.
 *
 * @param max characters
 */
export function safeText(text: string, max: number = MAX_SHOWN): string {
  const cut = text.length > max ? `${text.slice(0, max)}… (${text.length - max} more)` : text;
  return cut
    .replace(
      HIDDEN,
      (mark) => `⟨U+${(mark.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`,
    )
    .replace(CONTROLS, (sign) => {
      const code = sign.charCodeAt(0);
      if (code < 0x20) return String.fromCharCode(0x2400 + code);
      return code === 0x7f ? "␡" : `⟨${code.toString(16)}⟩`;
    });
}

/** Several lines of it; the first so many characters. */
export function safeLines(text: string, max = 20_000): string {
  return text
    .slice(0, max)
    .split("\n")
    .map((line) => safeText(line))
    .join("\n");
}
