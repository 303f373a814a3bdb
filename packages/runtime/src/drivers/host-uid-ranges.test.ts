import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, test } from "node:test";
import { HostUidRanges } from "./host-uid-ranges.ts";
import { UidRanges } from "./uid-ranges.ts";
import { subordinateBlocks } from "./user-mapping.ts";

describe("uid ranges of one host", () => {
  const directory = mkdtempSync(join(tmpdir(), "sg-uids-"));
  beforeEach(() => {
    for (const name of readdirSync(directory)) rmSync(join(directory, name));
  });
  after(() => rmSync(directory, { recursive: true }));

  const claimOf = (owner: string): void => writeFileSync(join(directory, String(UidRanges.FIRST)), owner);

  test("two who hand them out never have the same, and what one gives back the other may have", () => {
    const [one, two] = [new HostUidRanges(directory, []), new HostUidRanges(directory, [])];
    const first = one.take();
    assert.equal(first, UidRanges.FIRST);
    assert.equal(two.take(), first + UidRanges.SIZE);
    assert.equal(one.take(), first + 2 * UidRanges.SIZE);
    one.release(first);
    assert.equal(new HostUidRanges(directory, []).take(), first);
    assert.equal(readdirSync(directory).length, 3, "only claims are left");
  });

  test("a claim whose maker has ended is taken over, also where its pid is another's by now", async () => {
    const ended = spawn("true");
    await once(ended, "exit");
    for (const owner of [`${ended.pid} 1`, `${process.pid} 1`, "half"]) {
      claimOf(owner);
      assert.equal(new HostUidRanges(directory, []).take(), UidRanges.FIRST, owner);
      assert.match(readFileSync(join(directory, String(UidRanges.FIRST)), "utf8"), /^\d+ \d+$/);
    }
  });

  test("ids that users were given come last: by /etc/subuid these users may become each of them, root's aside", () => {
    const last = UidRanges.FIRST + (UidRanges.COUNT - 1) * UidRanges.SIZE;
    const given = subordinateBlocks(
      `root:1:4000000000\nalice:100000:65536\n# no block\n1005:165536:${last - 165_536}\n`,
    );
    const ranges = new HostUidRanges(directory, given);
    assert.deepEqual([ranges.take(), ranges.take()], [last, UidRanges.FIRST]);
    ranges.release(last);
    assert.equal(ranges.take(), last);
  });

  test("a claim whose maker lives is nobody else's, nor one that somebody is taking over", () => {
    const start = readFileSync("/proc/1/stat", "utf8")
      .replace(/^.*\) /, "")
      .split(" ")[19];
    claimOf(`1 ${start}`);
    assert.notEqual(new HostUidRanges(directory, []).take(), UidRanges.FIRST);
    claimOf("half");
    writeFileSync(join(directory, `${UidRanges.FIRST}.nobody`), `1 ${start}`);
    assert.notEqual(new HostUidRanges(directory, []).take(), UidRanges.FIRST);
  });
});
