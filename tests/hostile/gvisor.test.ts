import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_THEMES } from "./all-themes.ts";
import type { Attack } from "./attack.ts";
import { hostileSuite, isTried } from "./hostile-suite.ts";

/** How the names of those begin that are tried on gVisor each time, beside its own: some of each theme, and all that got through it once. */
const SOME = [
  "each call of the deny-list",
  "calls newer than anybody",
  "the 32-bit door",
  "no namespace of any kind can be made by unshare",
  "files of the host are not there",
  "processes of the host and of neighbours",
  "/sys is not there",
  "set-uid programs give nothing",
  "its root is a uid of its own",
  "no device node",
  "the agent's program cannot be rewritten",
  "the host's loopback is not its own",
  "raw and packet sockets",
  "abstract sockets of the host",
  "what listens inside",
  "links that lead to the host",
  "hard links to the agent's program",
  "the disk: who fills it",
  "descriptors: open answers EMFILE",
  "a better place at the processor",
  "time: an exec that ignores every signal",
  "a line without end is carried",
  "an interpreter's channel that says garbage",
  "the agent's socket, memory and environment",
  "the agent cannot be killed",
  "killing every process that waits",
  "stopping the process that waits",
  "a storm of forks",
];

const begins = ({ name }: Attack): boolean => SOME.some((words) => name.startsWith(words));

hostileSuite(
  "gvisor",
  ALL_THEMES.map(({ name, attacks }) => ({
    name,
    attacks: attacks.filter((attack) => begins(attack) || attack.onlyOn !== undefined),
  })),
);

test("what is tried on gVisor each time is there, is one for gVisor, and from every theme", () => {
  const tried = ALL_THEMES.flatMap(({ attacks }) => attacks.filter((attack) => isTried(attack, "gvisor")));
  for (const words of SOME) assert.equal(tried.filter(({ name }) => name.startsWith(words)).length, 1, words);
  for (const { name, attacks } of ALL_THEMES) assert.ok(attacks.some(begins), name);
});
