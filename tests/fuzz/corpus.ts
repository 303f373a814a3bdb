import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const DIRECTORY = join(import.meta.dirname, "corpus");

/** The inputs that are kept for a target. Each byte is one character of a text, so that what is text can be read. */
export function keptInputs(name: string): Buffer[] {
  const path = join(DIRECTORY, `${name}.json`);
  if (!existsSync(path)) return [];
  return (JSON.parse(readFileSync(path, "utf8")) as string[]).map((text) => Buffer.from(text, "latin1"));
}

/** Keeps these instead, the short ones first. */
export function keepInputs(name: string, inputs: readonly Buffer[]): void {
  const sorted = [...inputs].sort((a, b) => a.length - b.length || a.compare(b));
  const lines = sorted.map((input) => `  ${written(input)}`).join(",\n");
  writeFileSync(join(DIRECTORY, `${name}.json`), `[\n${lines}\n]\n`);
}

/** Printable in any editor. */
function written(input: Buffer): string {
  return JSON.stringify(input.toString("latin1")).replace(
    /[\x7f-\xff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
