import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { DirectoryLock } from "./directory-lock.ts";
import { DurableLog } from "./durable-log.ts";
import { onEnd, temporaryDirectory } from "./testing/test-log.ts";

const lockingProcess = fileURLToPath(new URL("testing/locking-process.ts", import.meta.url));

interface Contender {
  child: ChildProcess;
  nextLine(): Promise<string>;
}

function startContender(t: TestContext, dir: string): Contender {
  const child = spawn(process.execPath, [lockingProcess, dir], { stdio: ["pipe", "pipe", "inherit"] });
  onEnd(t, () => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return { child, nextLine: async () => String((await lines.next()).value) };
}

async function kill({ child }: Contender): Promise<void> {
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
}

test("the second log on a directory is refused, naming the pid of the first, and may have it when the first closes", async (t) => {
  const dir = temporaryDirectory(t);
  const first = await DurableLog.open({ dir });
  await assert.rejects(DurableLog.open({ dir }), {
    code: "LOG_UNAVAILABLE",
    message: new RegExp(`in use by process ${process.pid}$`),
  });
  await first.close();
  const second = await DurableLog.open({ dir });
  await second.close();
});

test("of many processes that want a directory at once one gets it and the others name it, round after round of killing the winner", async (t) => {
  const dir = temporaryDirectory(t);
  for (let round = 0; round < 3; round++) {
    const contenders = Array.from({ length: 5 }, () => startContender(t, dir));
    for (const contender of contenders) assert.equal(await contender.nextLine(), "ready");
    for (const { child } of contenders) child.stdin!.write("go\n");
    const answers = await Promise.all(contenders.map((contender) => contender.nextLine()));
    const winners = contenders.filter((_, i) => answers[i] === "held");
    assert.equal(winners.length, 1, answers.join(", "));
    const pid = winners[0]!.child.pid;
    for (const answer of answers) {
      if (answer !== "held") assert.match(answer, new RegExp(`in use by process ${pid}$`));
    }
    // The winner dies without releasing anything: the next round takes over from it.
    for (const contender of contenders) await kill(contender);
  }
  assert.ok(readdirSync(join(dir, "lock")).filter((name) => /^\d+$/.test(name)).length <= 2);
});

test("a lock whose pid now belongs to another process is taken over", (t) => {
  const dir = temporaryDirectory(t);
  DirectoryLock.acquire(dir);
  const file = join(dir, "lock", "1");
  const owner = JSON.parse(readFileSync(file, "utf8")) as { startTime: string };
  writeFileSync(file, JSON.stringify({ ...owner, startTime: String(Number(owner.startTime) - 1) }));
  DirectoryLock.acquire(dir).release();
});

test("a lock from before the last boot, or that a power cut emptied, is taken over", (t) => {
  const dir = temporaryDirectory(t);
  DirectoryLock.acquire(dir);
  const owner = JSON.parse(readFileSync(join(dir, "lock", "1"), "utf8")) as object;
  writeFileSync(join(dir, "lock", "1"), JSON.stringify({ ...owner, bootId: "another" }));
  DirectoryLock.acquire(dir);
  writeFileSync(join(dir, "lock", "2"), "\0\0\0");
  DirectoryLock.acquire(dir).release();
});

test("releasing is idempotent and does not touch the lock of the next owner", (t) => {
  const dir = temporaryDirectory(t);
  const first = DirectoryLock.acquire(dir);
  first.release();
  const second = DirectoryLock.acquire(dir);
  first.release();
  assert.throws(() => DirectoryLock.acquire(dir), { code: "LOG_UNAVAILABLE" });
  second.release();
});

test("what a process that died on its way to the lock left is removed", (t) => {
  const dir = temporaryDirectory(t);
  mkdirSync(join(dir, "lock"));
  // Above the largest pid that Linux gives.
  writeFileSync(join(dir, "lock", "owner.4194305.1"), "");
  DirectoryLock.acquire(dir).release();
  assert.deepEqual(readdirSync(join(dir, "lock")), ["1"]);
});

test("a file that is no lock in the lock's folder is left alone", (t) => {
  const dir = temporaryDirectory(t);
  mkdirSync(join(dir, "lock"));
  writeFileSync(join(dir, "lock", "README"), "mine");
  DirectoryLock.acquire(dir).release();
  assert.equal(readFileSync(join(dir, "lock", "README"), "utf8"), "mine");
});
