import { readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT: string = join(import.meta.dirname, "../..");

/**
 * The code of a page's fences.
 *
 * @param page from the root of the checkout
 * @param language of the fences
 */
export function blocksOf(page: string, language: string): string[] {
  const fences = readFileSync(join(ROOT, page), "utf8").matchAll(/^```(\w*)\n(.+?)^```$/gms);
  return [...fences].flatMap(([, name, code = ""]) => (name === language ? [code] : []));
}

/** What is printed where an example has run to its end. */
export const DONE = "done: ";

/**
 * An example as a function of its own, so that many run in one process one after the other: it prints {@link DONE} and its page at its end.
 *
 * @param around what the page takes for granted of the reader's own program, as statements before and behind it
 * @param stands what stands for a package, by its name
 */
export function asFunction(
  page: string,
  block: string,
  around: { before?: string; after?: string } = {},
  stands: Readonly<Record<string, string>> = {},
): string {
  const imported = block.replaceAll(
    /^import (?:(\w+)(?:, )?)?(\{[^}]*\})? from "([^"]+)";$/gm,
    (_, whole: string | undefined, names: string | undefined, from: string) => {
      const others = (names ?? "{}").slice(1, -1).replaceAll(/\btype \w+,?/g, "");
      const taken = [...(whole === undefined ? [] : [`default: ${whole}`]), others.trim()].filter(Boolean);
      return `const { ${taken.join(", ")} } = await import("${stands[from] ?? from}");`;
    },
  );
  const body = [around.before ?? "", imported, around.after ?? "", `console.log("${DONE}${page}");`];
  return `await (async () => {\n${body.join("\n")}\n})();`;
}
