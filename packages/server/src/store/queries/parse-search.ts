import { indexedWords } from "./indexed-words.ts";

/** One part of what is searched for. */
export interface SearchTerm {
  isUnwanted: boolean;
  /** All of them, in any order, as an index has them. */
  words: string[];
  /** The last word is the beginning of one. */
  isPrefix: boolean;
  /** Has to be part of the text as it stands, in any case (of ASCII): what is more than a word; "" where nothing is. */
  literal: string;
}

/** Nothing but a word. */
const PLAIN_WORD = /^[\p{L}\p{N}]+$/u;
/** A quoted phrase, or what has no space in it; with `-` in front it must not be there. */
const TERM = /(-?)(?:"([^"]*)"?|([^\s"]+))/g;
const MAX_TERMS = 32;

/** Reads what a user searches for: words in any order and case, `begin*`, `"a phrase as it stands"`, `-not`. */
export function parseSearch(text: string): SearchTerm[] {
  const terms: SearchTerm[] = [];
  for (const [, minus, phrase, plain = ""] of text.matchAll(TERM)) {
    if (terms.length === MAX_TERMS) break;
    const isPrefix = phrase === undefined && /[^*]\*$/.test(plain);
    const term = phrase ?? (isPrefix ? plain.slice(0, -1) : plain);
    const words = indexedWords(term);
    // An index of words does not know which word follows which, nor what is no word.
    const isWord = words.length === 1 && PLAIN_WORD.test(term);
    const literal = isWord || minus !== "" ? "" : term;
    if (words.length > 0 || literal !== "")
      terms.push({ isUnwanted: minus !== "", words, isPrefix, literal });
  }
  return terms;
}

/** What is asked of an index of words; undefined where nothing is. Each word is quoted: nothing of it is syntax. */
export function indexQuery(terms: readonly SearchTerm[]): {
  match: string | undefined;
  without: string | undefined;
} {
  const all = (isUnwanted: boolean): string[] =>
    terms
      .filter((term) => term.isUnwanted === isUnwanted && term.words.length > 0)
      .map(({ words, isPrefix }) => {
        const quoted = words.map((word) => `"${word}"`).join(" AND ");
        return `(${quoted}${isPrefix ? " *" : ""})`;
      });
  const [wanted, unwanted] = [all(false), all(true)];
  return {
    match: wanted.length > 0 ? wanted.join(" AND ") : undefined,
    without: unwanted.length > 0 ? unwanted.join(" OR ") : undefined,
  };
}

/** Whether a text is what an index would find. */
export function matchesSearch(text: string, terms: readonly SearchTerm[]): boolean {
  const lower = inLowerCase(text);
  const words = new Set(indexedWords(text));
  return terms.every(({ isUnwanted, words: wanted, isPrefix, literal }) => {
    const hasAll = wanted.every((word, index) => {
      if (!isPrefix || index < wanted.length - 1) return words.has(word);
      return words.values().some((other) => other.startsWith(word));
    });
    return isUnwanted ? !hasAll : hasAll && lower.includes(inLowerCase(literal));
  });
}

/** As SQLite has it: of ASCII alone. */
export function inLowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
