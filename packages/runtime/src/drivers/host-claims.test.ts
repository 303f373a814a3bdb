import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { HostClaims } from "./host-claims.ts";

const MODULE = JSON.stringify(new URL("host-claims.ts", import.meta.url).href);
/** System calls that change what names there are, by their names on all processors. */
const STEPS = ["/^link", "/^rename", "/^unlink"];

describe("claims of one host", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "sg-claims-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const write = (name: string, maker: string): void => writeFileSync(join(directory, name), maker);
  const read = (name: string): string => readFileSync(join(directory, name), "utf8");

  /** A process that has the module's `HostClaims` of this directory as `claims`. */
  function start(program: string, ...before: string[]): ChildProcess {
    const text = `import { HostClaims } from ${MODULE}; const claims = new HostClaims(${JSON.stringify(directory)}); ${program}`;
    const [command = "", ...args] = [...before, process.execPath, "--input-type=module", "-e", text];
    return spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  }

  test("of what is there, that of processes that are gone is removed, and nothing else", async () => {
    const gone = await pidOfEnded();
    const first = startOf(1);
    const parent = spawn("sh", ["-c", "sleep 1000 & echo $!; exec sleep 1000"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    try {
      const [line] = (await once(parent.stdout!, "data")) as [Buffer];
      const zombie = Number(line);
      while (readFileSync(`/proc/${parent.pid}/comm`, "utf8") !== "sleep\n") await new Promise(setImmediate);
      process.kill(zombie, "SIGKILL"); // and nobody asks how it ended
      while (stat(zombie)[0] !== "Z") await new Promise(setImmediate);
      const kept = ["10", `10.${gone}-1`, "9", `9.${gone}-1`, `new.1-${first}`];
      for (const name of kept) write(name, `1 ${first}`);
      write("10", `${gone} 1`); // which somebody who lives is taking over
      write("1", `${gone} 1`);
      write("2", `${process.pid} 1`); // its pid is another's by now
      write("3", "half");
      write("4", "");
      write("5", `${zombie} ${startOf(zombie)}`);
      write("6", `${gone} 1`);
      write(`6.${gone}-1`, `${gone} 2`); // died when it took that over
      write(`7.${gone}-1`, `${gone} 2`); // died when it had
      write(`new.${gone}-1`, "");
      write(`new.${process.pid}-1`, "");
      new HostClaims(directory).removeAbandoned();
      assert.deepEqual(readdirSync(directory).sort(), kept.sort());
    } finally {
      parent.kill("SIGKILL");
    }
  });

  test("a name is one's at a time, and is free when it is given back", () => {
    const [one, two] = [new HostClaims(directory), new HostClaims(directory)];
    assert.deepEqual([one.take("a"), two.take("a"), two.take("b")], [true, false, true]);
    one.release("a");
    assert.equal(two.take("a"), true);
    assert.equal(read("a"), `${process.pid} ${startOf(process.pid)}`);
    assert.deepEqual(readdirSync(directory), ["a", "b"], "only claims are left");
  });

  for (const program of ["claims.take('5');", "claims.removeAbandoned();"])
    test(`who dies at any step of ${program} holds nothing up, and leaves nothing that stays`, async (t) => {
      const dead = `${await pidOfEnded()} 1`;
      let [deaths, halfDone] = [0, 0];
      for (const call of STEPS)
        for (let when = 1; ; when++) {
          write("5", dead);
          const inject = ["-e", `trace=${call}`, "-e", `inject=${call}:signal=SIGKILL:when=${when}`];
          const child = start(program, "strace", "-f", "-qq", "-o", "/dev/null", ...inject);
          const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
          if (code === 0) break;
          assert.equal(signal, "SIGKILL", `strace ended with ${code}`);
          deaths++;
          if (readdirSync(directory).some((name) => name.startsWith("5."))) halfDone++;
          const heir = new HostClaims(directory);
          assert.equal(heir.take("5"), true, `${call} ${when}`);
          heir.removeAbandoned();
          assert.deepEqual(readdirSync(directory), ["5"], `${call} ${when}`);
          assert.equal(read("5"), `${process.pid} ${startOf(process.pid)}`);
        }
      t.diagnostic(`died ${deaths} times, ${halfDone} of them half-way`);
      assert.ok(deaths >= STEPS.length && halfDone > 0);
    });

  test("processes that begin, claim and are killed at the same time never have the same", async (t) => {
    const program = `
import { readFileSync } from "node:fs";
const sleep = new Int32Array(new SharedArrayBuffer(4));
claims.removeAbandoned();
const taken = new Set();
const look = () => {
  for (const name of taken)
    if (!readFileSync(${JSON.stringify(directory)} + "/" + name, "utf8").startsWith(process.pid + " ")) throw new Error(name);
};
for (let round = 0; ; round++) {
  for (let name = 0; name < 6; name++) {
    if (claims.take(String(name))) taken.add(name);
    look();
  }
  if (round % 4 === 0) claims.removeAbandoned();
  Atomics.wait(sleep, 0, 0, 1);
  look();
  for (const name of [...taken].slice(0, 3)) { taken.delete(name); claims.release(String(name)); }
  if (round % 20 === 19) (await import("node:fs")).writeSync(1, ".");
}`;
    const running = new Set<ChildProcess>();
    const failed: (number | null)[] = [];
    const begin = (): void => {
      const child = start(program);
      running.add(child);
      child.once("exit", (code, signal) => {
        running.delete(child);
        if (signal !== "SIGKILL") failed.push(code);
      });
    };
    for (let count = 0; count < 4; count++) begin();
    try {
      for (let kills = 0; kills < 20; kills++) {
        const [oldest] = running as Set<ChildProcess & { stdout: NodeJS.ReadableStream }>;
        assert.ok(oldest);
        await Promise.race([once(oldest.stdout, "data"), once(oldest, "exit")]);
        assert.deepEqual(failed, []);
        const exited = once(oldest, "exit");
        oldest.kill("SIGKILL");
        await exited;
        begin();
      }
    } finally {
      const ended = [...running].map((child) => once(child, "exit"));
      for (const child of running) child.kill("SIGKILL");
      await Promise.all(ended);
    }
    assert.deepEqual(failed, []);
    const left = readdirSync(directory);
    t.diagnostic(`left: ${left.join(" ")}`);
    assert.ok(left.length > 0, "they had something");
    new HostClaims(directory).removeAbandoned();
    assert.deepEqual(readdirSync(directory), []);
  });
});

async function pidOfEnded(): Promise<number> {
  const child = spawn("true");
  await once(child, "exit");
  return child.pid!;
}

/** The fields of `/proc/<pid>/stat` behind the name. */
function stat(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function startOf(pid: number): string {
  return stat(pid)[19]!;
}
