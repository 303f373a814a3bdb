import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ALL_THEMES } from "./all-themes.ts";
import type { Means } from "./attack.ts";

const page = readFileSync(new URL("../../docs/isolation.md", import.meta.url), "utf8");

/** The attacks as the page lists them. */
const listed = ALL_THEMES.map(
  ({ name, attacks }) =>
    `### ${name[0]?.toUpperCase()}${name.slice(1)}\n\n${attacks.map((attack) => `- ${attack.name}`).join("\n")}\n`,
).join("\n");

/** Each means that an ordinary user's daemon may lack, with the attacks whose promise rests on it, as the page lists them. */
function lost(): string {
  const attacks = ALL_THEMES.flatMap((theme) => theme.attacks);
  const means = new Set(attacks.flatMap(({ needs = [] }) => needs));
  const resting = (on: Means): string[] =>
    attacks.filter(({ needs = [] }) => needs.includes(on)).map(({ name }) => `  - ${name}`);
  return [...means].flatMap((on) => [`- ${on}`, ...resting(on)]).join("\n");
}

test("docs/isolation.md lists every attack whose promise an ordinary user's daemon may not be able to give, and no other", () => {
  const [, inPage] = page.split("<!-- lost -->\n");
  assert.equal(inPage?.trim(), lost(), `between the marks belongs:\n${lost()}`);
});

test("docs/isolation.md lists every attack by the name of its test, and no other", () => {
  const [, inPage] = page.split("<!-- attacks -->\n");
  assert.equal(inPage?.trim(), listed.trim(), `between the marks belongs:\n${listed}`);
});

test("no two attacks have the same name, and whoever is spared one is told why", () => {
  const attacks = ALL_THEMES.flatMap((theme) => theme.attacks);
  assert.equal(new Set(attacks.map(({ name }) => name)).size, attacks.length);
  for (const { name, notOn = {} } of attacks)
    for (const reason of Object.values(notOn)) assert.ok(reason.length > 20, name);
});
