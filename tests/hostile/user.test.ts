import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_THEMES } from "./all-themes.ts";
import { hostileSuite, isTried } from "./hostile-suite.ts";
import { USER_ALONE } from "./operator.ts";

/** How the names of those begin that are tried each time: what holds by other means where the daemon is not root, and all sandboxes are its user. */
const SOME = [
  "no namespace of any kind can be made by unshare",
  "files of the host are not there",
  "processes of the host and of neighbours",
  "/sys is not there",
  "set-uid programs give nothing",
  "no device node",
  "what it writes to and deletes from /usr",
  "the agent's program cannot be rewritten",
  "abstract sockets of the host",
  "a neighbour's ports, shared memory",
  "links that lead to the host",
  "the disk: who fills it",
  "processes: fork answers EAGAIN",
  "the agent's socket, memory and environment",
  "a fork bomb that nobody ends",
];

const attacks = ALL_THEMES.flatMap((theme) => theme.attacks).filter(({ name }) =>
  SOME.some((words) => name.startsWith(words)),
);

hostileSuite("bubblewrap", [{ name: "some of every theme", attacks }], USER_ALONE);

test("what is tried each time on a user's daemon is there, and rests on nothing that it has not got", () => {
  assert.equal(attacks.length, SOME.length);
  for (const attack of attacks) assert.ok(isTried(attack, "bubblewrap", USER_ALONE), attack.name);
});
