import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { causeOf, type Decision, type Ending } from "./ending.ts";

const QUIET: Ending = { code: 0, signal: 0, cpuMs: 1, maxRssBytes: 1, oomKills: 0, isDiskFull: false };
const LIMITS = { memoryMb: 256, diskMb: 64 };
const TIMED_OUT: Decision = { cause: "timed_out", reason: "timeoutMs (5) passed" };

const cases: [
  why: string,
  ending: Partial<Ending>,
  decision: Decision | undefined,
  expected: Decision,
  stderr?: string,
][] = [
  ["it left by itself", {}, undefined, { cause: "exited" }],
  ["it left with an error", { code: 3 }, undefined, { cause: "exited" }],
  ["a signal ended it", { code: 143, signal: 15 }, undefined, { cause: "killed" }],
  [
    "the kernel killed it for memory",
    { code: 137, signal: 9, oomKills: 1 },
    undefined,
    { cause: "oom_killed", reason: "the memory limit of 256 MiB was reached" },
  ],
  [
    "the kernel killed a child of it, and it failed for that",
    { code: 1, oomKills: 1 },
    undefined,
    { cause: "oom_killed", reason: "the memory limit of 256 MiB was reached" },
  ],
  ["the kernel killed a child of it, and it coped", { oomKills: 2 }, undefined, { cause: "exited" }],
  [
    "it failed on a full disk, and said so",
    { code: 1, isDiskFull: true },
    undefined,
    { cause: "disk_full", reason: "the disk of 64 MiB is full" },
    "cat: write error: No space left on device\n",
  ],
  [
    "it raised what a full disk does",
    {
      code: 1,
      isDiskFull: true,
      exception: { type: "Error", message: "ENOSPC: no space left on device, write" },
    },
    undefined,
    { cause: "disk_full", reason: "the disk of 64 MiB is full" },
  ],
  [
    "it failed while the disk was full, of something else",
    { code: 1, isDiskFull: true, exception: { type: "ZeroDivisionError", message: "division by zero" } },
    undefined,
    { cause: "exited", reason: "the disk of 64 MiB was full when it ended" },
    "no such file\n",
  ],
  [
    "it spoke of a full disk, and there is room",
    { code: 1 },
    undefined,
    { cause: "exited" },
    "No space left on device\n",
  ],
  [
    "it coped with a full disk",
    { isDiskFull: true },
    undefined,
    { cause: "exited" },
    "No space left on device\n",
  ],
  [
    "a signal ended it on a full disk",
    { code: 139, signal: 11, isDiskFull: true },
    undefined,
    { cause: "killed" },
  ],
  ["the host decided before", { code: 137, signal: 9, oomKills: 1, isDiskFull: true }, TIMED_OUT, TIMED_OUT],
  ["the host decided, and it left well all the same", {}, TIMED_OUT, TIMED_OUT],
];

describe("why an exec ended", () => {
  for (const [why, ending, decision, expected, stderr = ""] of cases) {
    test(`${why}: ${expected.cause}`, () => {
      const output = { tail: (stream: string) => (stream === "stderr" ? stderr : "") };
      assert.deepEqual(causeOf({ ...QUIET, ...ending }, decision, LIMITS, output), expected);
    });
  }
});
