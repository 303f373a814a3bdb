/**
 * The rules of the house, checked on source text: who may import whom, who may end the process, how long a
 * file may get. `arrows.test.ts` applies them to the tree.
 *
 * Imports are read from the syntax tree, so one in a comment or a string is none.
 */
import { isBuiltin } from "node:module";
import { posix } from "node:path";
import ts from "typescript";

/** The arrows: a package (by its folder's name) and the siblings it may import. There are no others. */
export const arrows: Readonly<Record<string, readonly string[] | "anything public">> = {
  protocol: [],
  telemetry: ["protocol"],
  runtime: ["protocol"],
  server: ["protocol", "telemetry", "runtime"],
  sdk: ["protocol"],
  console: ["protocol"],
  cli: ["server", "sdk", "mcp"],
  mcp: ["sdk"],
  adapters: ["sdk"],
  testkit: "anything public",
};

/** The only files that end the process; everything else returns or throws. */
export const mayExit: readonly string[] = ["packages/server/src/main.ts", "packages/cli/src/main.ts"];

/** A file above this many lines is asked to split. */
export const maxLines = 300;

/** Files that may be longer than `maxLines`, each with the reason why splitting it would make it worse. */
export const longFiles: Readonly<Record<string, string>> = {};

/** A package as its manifest describes it. */
export interface HousePackage {
  /** Name of its folder below `packages/`, for example `sdk`. */
  folder: string;
  /** Name it is imported by, for example `sandglass`. */
  name: string;
  /** Keys of `exports`, for example `"./schemas"`. */
  exports: readonly string[];
  /** What its code may import by name once it is published: dependencies, peers, and siblings bundled in. */
  dependencies: ReadonlySet<string>;
  /** What its tests may import besides. */
  devDependencies: ReadonlySet<string>;
}

/** One source file; `path` is relative to the repository, with forward slashes. */
export interface SourceFile {
  path: string;
  text: string;
}

interface Import {
  specifier: string;
  /** Erased before the code runs. */
  isTypeOnly: boolean;
}

/**
 * Checks one file below `packages/<folder>/src/` against the rules on imports and on `process.exit`.
 *
 * @returns one sentence per violation, each beginning with the file's path; empty when all is well.
 */
export function checkSource(file: SourceFile, house: readonly HousePackage[]): string[] {
  const folder = file.path.split("/")[1] ?? "";
  const own = house.find((candidate) => candidate.folder === folder);
  if (own === undefined || arrows[folder] === undefined) {
    return [`${file.path}: packages/${folder} has no place in the house: give it its arrows`];
  }
  const { imports, exits } = read(file);
  const complaints = imports.flatMap((entry) => checkImport(entry, file.path, own, house));
  if (exits && !mayExit.includes(file.path))
    complaints.push(`ends the process, which only ${mayExit.join(" and ")} may`);
  return complaints.map((complaint) => `${file.path}: ${complaint}`);
}

/** @returns a sentence when the file is too long and not excused, else nothing. */
export function checkLength(file: SourceFile): string[] {
  const lines = file.text.split("\n").length - (file.text.endsWith("\n") ? 1 : 0);
  if (lines <= maxLines || file.path in longFiles) return [];
  return [`${file.path}: has ${lines} lines; above ${maxLines} it is asked to split`];
}

function checkImport(
  entry: Import,
  path: string,
  own: HousePackage,
  house: readonly HousePackage[],
): string[] {
  const { specifier } = entry;
  const isTest = isTestCode(path);
  const root = `packages/${own.folder}/`;
  const inSchemas = (target: string) => target.startsWith(`${root}src/schemas/`);

  if (specifier.startsWith(".")) {
    const target = posix.join(posix.dirname(path), specifier);
    if (!target.startsWith(root)) return [`"${specifier}" leaves the package; import a sibling by its name`];
    if (!isTest && isTestCode(target)) return [`"${specifier}" is for tests; what runs must not need it`];
    if (own.folder === "protocol" && !isTest && !entry.isTypeOnly && inSchemas(target) && !inSchemas(path)) {
      return [
        `"${specifier}" brings the schema library to those who need only types; import its types alone`,
      ];
    }
    return [];
  }
  if (specifier.startsWith("/") || specifier.startsWith("file:"))
    return [`"${specifier}" is an absolute path`];
  if (isBuiltin(specifier)) {
    if (own.folder !== "protocol" || isTest) return [];
    return [`"${specifier}": protocol runs in a browser and does no I/O`];
  }

  const name = packageName(specifier);
  const sibling = house.find((candidate) => candidate.name === name);
  if (sibling !== undefined && sibling !== own) return checkSibling(entry, isTest, own, sibling);
  if (sibling === undefined && name.startsWith("@sandglass/"))
    return [`"${specifier}" is no package of the house`];

  if (own.folder === "protocol" && name === "zod" && !isTest && !inSchemas(path)) {
    return [`"${specifier}": in protocol only src/schemas/ may import the schema library`];
  }
  if (sibling === own || own.dependencies.has(name) || (isTest && own.devDependencies.has(name))) return [];
  return [`"${specifier}" is not declared in ${root}package.json`];
}

/** A test, or what tests share in a folder `testing`. */
function isTestCode(path: string): boolean {
  return path.endsWith(".test.ts") || path.endsWith(".test.tsx") || path.includes("/testing/");
}

function checkSibling(entry: Import, isTest: boolean, own: HousePackage, sibling: HousePackage): string[] {
  const { specifier } = entry;
  const allowed = arrows[own.folder] ?? [];
  const mayImport =
    allowed === "anything public" ||
    allowed.includes(sibling.folder) ||
    (isTest && sibling.folder === "testkit");
  if (!mayImport) return [`"${specifier}": there is no arrow from ${own.folder} to ${sibling.folder}`];
  const subpath = `.${specifier.slice(sibling.name.length)}`;
  if (!sibling.exports.includes(subpath)) return [`"${specifier}" is not exported by ${sibling.folder}`];
  if (own.folder === "sdk" && subpath === "./schemas" && !entry.isTypeOnly && !isTest) {
    return [`"${specifier}" would bundle the schema library; import its types alone`];
  }
  return [];
}

/** `@scope/name/sub` → `@scope/name`, `name/sub` → `name`. */
function packageName(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** Finds everything a file imports, in whichever of the forms, and whether it ends the process. */
function read(file: SourceFile): { imports: Import[]; exits: boolean } {
  const imports: Import[] = [];
  let exits = false;
  const add = (specifier: ts.Node | undefined, isTypeOnly: boolean) => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier))
      imports.push({ specifier: specifier.text, isTypeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
      if (importsExit(node)) exits = true;
    } else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, true);
    else if (ts.isCallExpression(node)) {
      const called = node.expression.getText(source);
      if (node.expression.kind === ts.SyntaxKind.ImportKeyword || called === "require")
        add(node.arguments[0], false);
      if (/^(globalThis\.)?process\??\.exit$/.test(called)) exits = true;
    }
    ts.forEachChild(node, visit);
  };
  const source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, false);
  visit(source);
  return { imports, exits };
}

/** `import { exit } from "node:process"` is the same door under another name. */
function importsExit(node: ts.ImportDeclaration): boolean {
  if (!ts.isStringLiteral(node.moduleSpecifier) || !/^(node:)?process$/.test(node.moduleSpecifier.text))
    return false;
  const bindings = node.importClause?.namedBindings;
  if (bindings === undefined || !ts.isNamedImports(bindings)) return false;
  return bindings.elements.some((element) => (element.propertyName ?? element.name).text === "exit");
}
