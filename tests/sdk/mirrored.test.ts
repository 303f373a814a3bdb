import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { AREAS, IN_OTHER_WORDS, MORE_IN_PYTHON, ONLY_IN_PYTHON, ONLY_IN_TYPESCRIPT } from "./behaviours.ts";

const root = join(import.meta.dirname, "../..");
const typescriptTests = join(root, "packages/sdk/src");
const pythonTests = join(root, "python/tests");

/** By {@link normalised} name: the name as it is written, with its file. */
let typescript: Map<string, string>;
let python: Map<string, string>;

before(async () => {
  typescript = await namesIn(
    Object.keys(AREAS).map((area) => `${join(typescriptTests, area)}.test.ts`),
    /^test\(\s*["`](.+?)["`], (?:async )?\(/gm,
  );
  python = await namesIn(
    [...Object.values(AREAS), ...MORE_IN_PYTHON].map((area) => `${join(pythonTests, area)}.py`),
    /^(?:async )?def test_(\w+)\(/gm,
  );
});

async function namesIn(files: readonly string[], pattern: RegExp): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const file of new Set(files)) {
    const found = [...(await readFile(file, "utf8")).matchAll(pattern)];
    assert.ok(found.length > 0, `${file} has tests`);
    for (const [, name = ""] of found) names.set(normalised(name), `${file}: ${name}`);
  }
  return names;
}

/** A sentence without what the rules of the two languages make of it. */
function normalised(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/\bthrows\b/g, "raises")
    .replaceAll(/\bthrown\b/g, "raised")
    .replaceAll(/\bundefined\b/g, "none")
    .replaceAll(/[^a-z0-9]/g, "");
}

/** Those of `names` that are neither in `others` nor excused. */
function missing(
  names: ReadonlyMap<string, string>,
  others: ReadonlyMap<string, string>,
  excused: readonly string[],
): string[] {
  const known = new Set(excused.map(normalised));
  return [...names].filter(([name]) => !others.has(name) && !known.has(name)).map(([, place]) => place);
}

test("every behaviour that the TypeScript client's tests ask for is asked of the Python client", () => {
  const excused = [...IN_OTHER_WORDS.map(([name]) => name), ...Object.keys(ONLY_IN_TYPESCRIPT)];
  assert.deepEqual(missing(typescript, python, excused), []);
});

test("every behaviour that the Python client's tests ask for is asked of the TypeScript client", () => {
  const excused = [...IN_OTHER_WORDS.map(([, name]) => name), ...Object.keys(ONLY_IN_PYTHON)];
  assert.deepEqual(missing(python, typescript, excused), []);
});

test("what is excused is there, and is not asked of the other client after all", () => {
  for (const [inTypescript, inPython] of IN_OTHER_WORDS) {
    assert.ok(typescript.has(normalised(inTypescript)), inTypescript);
    assert.ok(python.has(normalised(inPython)), inPython);
  }
  for (const name of Object.keys(ONLY_IN_TYPESCRIPT)) {
    assert.ok(typescript.has(normalised(name)) && !python.has(normalised(name)), name);
  }
  for (const name of Object.keys(ONLY_IN_PYTHON)) {
    assert.ok(python.has(normalised(name)) && !typescript.has(normalised(name)), name);
  }
});

test("no file of the TypeScript client's tests is left out of the comparison", async () => {
  const files = (await readdir(typescriptTests, { recursive: true })).filter((file) =>
    file.endsWith(".test.ts"),
  );
  assert.deepEqual(
    files.map((file) => file.replace(/\.test\.ts$/, "")).toSorted(),
    Object.keys(AREAS).toSorted(),
  );
});
