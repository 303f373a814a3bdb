const MAX_CHARACTERS = 200;

/** A text that came from elsewhere, made fit for a reason: one line, no control characters, at most 200 characters. */
export function cleanText(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
  const characters = [...line];
  return characters.length > MAX_CHARACTERS ? cutOff(characters.slice(0, MAX_CHARACTERS - 1).join("")) : line;
}

/** Ends a text that was cut. The word that the cut went through is left out: half a secret is not recognized as one. */
export function cutOff(text: string): string {
  return `${text.replace(/[\w.~%+/=-]+$/, "").trimEnd()}…`;
}
