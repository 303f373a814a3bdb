/** Text that is markup already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

type Piece = Markup | string | number | undefined | false | readonly Piece[];

/**
 * Markup (HTML, SVG, XML) with values in it. A value is text, escaped wherever it stands, unless it is {@link Markup} itself; a list is
 * its items, and what is undefined or false is nothing. Attributes have to be quoted.
 */
export function html(parts: TemplateStringsArray, ...values: Piece[]): Markup {
  let text = parts[0] ?? "";
  for (const [index, value] of values.entries()) text += markupOf(value) + (parts[index + 1] ?? "");
  return new Markup(text);
}

/** What XML 1.0 cannot have in any form. */
const FORBIDDEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escapeText(text: string): string {
  return text.replace(FORBIDDEN, "\ufffd").replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

function markupOf(value: Piece): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(markupOf).join("");
  return escapeText(String(value));
}
