import assert from "node:assert/strict";
import { test } from "node:test";
import { type DiffLine, lineDiff } from "./line-diff.ts";

const SIGNS = { same: " ", added: "+", removed: "-", gap: "…" };
const drawn = (lines: readonly DiffLine[]): string[] => lines.map(({ kind, text }) => SIGNS[kind] + text);

/** What the lines make of the first text, which has to be the second. */
function applied(before: string, lines: readonly DiffLine[]): string {
  const old = before.split(/(?<=\n)/);
  let at = 0;
  let made = "";
  for (const { kind, text, isUnended } of lines) {
    if (kind === "gap") {
      const count = Number.parseInt(text, 10);
      made += old.slice(at, at + count).join("");
      at += count;
    } else {
      if (kind !== "added") at++;
      if (kind !== "removed") made += isUnended ? text : `${text}\n`;
    }
  }
  return made;
}

test("a changed line stands below the one it was, with the lines around it and their numbers in both texts", () => {
  const before = "1\n2\n3\n4\nold\n6\n7\n8\n9\n10\n";
  const { lines, added, removed } = lineDiff(before, before.replace("old", "new\nand more"));
  assert.deepEqual(drawn(lines), [
    "…1 line the same",
    " 2",
    " 3",
    " 4",
    "-old",
    "+new",
    "+and more",
    " 6",
    " 7",
    " 8",
    "…2 lines the same",
  ]);
  assert.deepEqual([added, removed], [2, 1]);
  assert.deepEqual(
    lines
      .filter(({ kind }) => kind === "removed" || kind === "added")
      .map((line) => [line.before, line.after]),
    [
      [5, undefined],
      [undefined, 5],
      [undefined, 6],
    ],
  );
});

test("texts that begin or end, and one that is the other, are no special case", () => {
  assert.deepEqual(drawn(lineDiff("", "a\nb\n").lines), ["+a", "+b"]);
  assert.deepEqual(drawn(lineDiff("a\nb\n", "").lines), ["-a", "-b"]);
  assert.deepEqual(lineDiff("", ""), { lines: [], added: 0, removed: 0, isRough: false });
  const same = lineDiff("a\nb\n", "a\nb\n");
  assert.deepEqual([same.added, same.removed, drawn(same.lines)], [0, 0, ["…2 lines the same"]]);
});

test("a line end that is missing, and another kind of line end, are a change", () => {
  const { lines } = lineDiff("a\nb\n", "a\nb");
  assert.deepEqual(drawn(lines), [" a", "-b", "+b"]);
  assert.deepEqual(
    lines.map(({ isUnended }) => isUnended ?? false),
    [false, false, true],
  );
  assert.deepEqual(drawn(lineDiff("a\r\n", "a\n").lines), ["-a\r", "+a"]);
});

test("the way is the shortest: what stays is the longest common sequence", () => {
  // Of Myers' paper: five edits.
  const { added, removed, lines } = lineDiff("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n");
  assert.equal(added + removed, 5);
  assert.equal(applied("a\nb\nc\na\nb\nb\na\n", lines), "c\nb\na\nb\na\nc\n");
});

test("whatever the texts, the lines make the one into the other with as few changes as a table of all ways finds", () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  const text = (): string =>
    Array.from({ length: random(12) }, () => "abcd"[random(4)]).join("\n") + (random(2) === 0 ? "\n" : "");
  for (let turn = 0; turn < 2_000; turn++) {
    const [before, after] = [text(), text()];
    const { lines, added, removed } = lineDiff(before, after);
    assert.equal(applied(before, lines), after, JSON.stringify([before, after]));
    assert.equal(added + removed, fewestEdits(before, after), JSON.stringify([before, after]));
  }
});

function fewestEdits(before: string, after: string): number {
  const [a, b] = [before, after].map((text) => text.split(/(?<=\n)/).filter((line) => line !== ""));
  let row = Array.from({ length: (b?.length ?? 0) + 1 }, (_, index) => index);
  for (const [index, line] of (a ?? []).entries()) {
    const next = [index + 1];
    for (const [at, other] of (b ?? []).entries()) {
      const edit = 1 + Math.min(row[at + 1] ?? 0, next[at] ?? 0);
      next.push(line === other ? (row[at] ?? 0) : edit);
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

test("texts that have little in common are shown as replaced, what is the same around it left out", () => {
  const text = (word: string): string =>
    `head\n${Array.from({ length: 30_000 }, (_, index) => `${word} ${index}`).join("\n")}\ntail\n`;
  const { lines, added, removed, isRough } = lineDiff(text("old"), text("new"));
  assert.deepEqual([isRough, added, removed], [true, 30_000, 30_000]);
  assert.equal(applied(text("old"), lines), text("new"));
});
