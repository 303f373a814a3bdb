import { DatabaseSync, type StatementSync } from "node:sqlite";

const ASCII = /^[\0-\x7f]*$/;

/** The tokenizer of the store's indexes of words, on a table of its own. */
class Tokenizer {
  readonly #add: StatementSync;
  readonly #words: StatementSync;
  readonly #clear: StatementSync;

  constructor() {
    const database = new DatabaseSync(":memory:");
    database.exec(`
      CREATE VIRTUAL TABLE texts USING fts5(text, content='', tokenize='unicode61');
      CREATE VIRTUAL TABLE words USING fts5vocab(texts, instance);
    `);
    this.#add = database.prepare("INSERT INTO texts (rowid, text) VALUES (1, ?)");
    this.#words = database.prepare("SELECT term FROM words ORDER BY offset");
    this.#clear = database.prepare("INSERT INTO texts (texts) VALUES ('delete-all')");
  }

  words(text: string): string[] {
    this.#add.run(text);
    const rows = this.#words.all() as { term: string }[];
    this.#clear.run();
    return rows.map(({ term }) => term);
  }
}

let tokenizer: Tokenizer | undefined;

/**
 * The words of a text in their order, cut and folded as the store's indexes of words have them. Which letters and marks of which release of
 * Unicode make a word is SQLite's to say: nothing else cuts the same. ASCII, which most texts are, does not need it.
 */
export function indexedWords(text: string): string[] {
  if (ASCII.test(text)) return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  tokenizer ??= new Tokenizer();
  return tokenizer.words(text);
}
