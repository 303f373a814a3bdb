import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { newExecId, newSandboxId } from "@sandglass/protocol";
import { readLines } from "@sandglass/testkit";
import { ExecOutput } from "./exec-output.ts";
import { OutputStore } from "./output-store.ts";

const EXITED = { type: "exit", data: 0, code: 0, cause: "exited", durationMs: 1 } as const;
const CRASH = { code: 137, cause: "host_crash", durationMs: 5 } as const;

describe("kept output", () => {
  let dir: string;
  let store: OutputStore;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "sg-store-"));
    store = new OutputStore(join(dir, "output"), 5000);
  });
  after(() => rm(dir, { recursive: true }));

  const fileOf = (sandboxId: string): string => join(dir, "output", `${sandboxId}.out`);

  /** A sandbox whose execs wrote these texts in turn; all but those named in `running` have ended. */
  async function sandboxWith(
    texts: readonly string[],
    running: readonly number[] = [],
  ): Promise<{ sandboxId: string; execIds: string[] }> {
    const sandboxId = newSandboxId();
    const segment = store.open({ id: sandboxId });
    const execIds = texts.map(() => newExecId());
    const outputs = execIds.map(
      (execId) =>
        new ExecOutput({
          execId,
          segment,
          maxBytes: 1e9,
          onLimit: () => {},
          onRoom: () => {},
          onKept: () => {},
        }),
    );
    for (const [at, output] of outputs.entries()) output.append("stdout", Buffer.from(texts[at] ?? ""));
    for (const [at, output] of outputs.entries()) {
      output.append("stderr", Buffer.from("err"));
      const execId = execIds[at] ?? "";
      if (!running.includes(at)) output.appendExit({ ...EXITED, execId });
      output.showExit();
      for await (const _ of output.lines({ after: 0 })) break; // it is in the file
    }
    segment.close();
    return { sandboxId, execIds };
  }

  const linesOf = (sandboxId: string, execId: string, after?: number) => {
    const blocks = store.read(sandboxId, execId, after);
    assert.ok(blocks !== undefined, "nothing is kept");
    return readLines(blocks);
  };

  test("is read per exec, from behind any line, in whatever order the execs wrote", async () => {
    const { sandboxId, execIds } = await sandboxWith(["one", "two", "three"]);
    for (const [at, execId] of execIds.entries()) {
      const lines = await linesOf(sandboxId, execId);
      assert.deepEqual(
        lines.map(({ type, data, seq }) => [type, data, seq]),
        [
          ["stdout", ["one", "two", "three"][at], 0],
          ["stderr", "err", 1],
          ["exit", 0, 2],
        ],
      );
      for (let behind = 0; behind < 3; behind++)
        assert.deepEqual(await linesOf(sandboxId, execId, behind), lines.slice(behind + 1));
    }
  });

  test("is not there for what never was, and for what is no id at all", () => {
    assert.equal(store.read(newSandboxId(), newExecId()), undefined);
    assert.equal(store.read("../../etc", newExecId()), undefined);
    assert.equal(store.read(newSandboxId(), "exec_/../x"), undefined);
  });

  test("what a crash left open is sealed with an exit, once, and its bytes are counted", async () => {
    const { sandboxId, execIds } = await sandboxWith(["one", "zwölf", "three"], [0, 1]);
    const bytes = await Promise.all(execIds.map((execId) => store.seal(sandboxId, execId, CRASH)));
    assert.deepEqual(bytes, [
      { stdoutBytes: 3, stderrBytes: 3 },
      { stdoutBytes: 6, stderrBytes: 3 },
      { stdoutBytes: 5, stderrBytes: 3, exit: { ...EXITED, execId: execIds[2] } },
    ]);
    for (const [at, cause] of ["host_crash", "host_crash", "exited"].entries()) {
      const lines = await linesOf(sandboxId, execIds[at] ?? "");
      const exit = lines.at(-1);
      assert.deepEqual(
        lines.map(({ type, seq }) => [type, seq]),
        [
          ["stdout", 0],
          ["stderr", 1],
          ["exit", 2],
        ],
      );
      assert.equal(exit?.type === "exit" && exit.cause, cause);
    }
    const sealed = await readFile(fileOf(sandboxId));
    await Promise.all(execIds.map((execId) => store.seal(sandboxId, execId, CRASH)));
    assert.deepEqual(await readFile(fileOf(sandboxId)), sealed);
  });

  test("torn at any byte, it is sealed behind the last whole line", async () => {
    const { sandboxId, execIds } = await sandboxWith(["one", "two"], [1]);
    const whole = await readFile(fileOf(sandboxId));
    const [, execId = ""] = execIds;
    for (let size = 0; size < whole.length; size += 3) {
      await writeFile(fileOf(sandboxId), whole);
      await truncate(fileOf(sandboxId), size);
      await store.seal(sandboxId, execId, CRASH);
      const lines = await linesOf(sandboxId, execId);
      assert.equal(lines.at(-1)?.type, "exit", `${size} bytes`);
      assert.deepEqual(
        lines.map(({ seq }) => seq),
        lines.map((_, at) => at),
      );
    }
  });

  test("an exec of which nothing was written has its exit all the same", async () => {
    const [sandboxId, execId] = [newSandboxId(), newExecId()];
    assert.deepEqual(await store.seal(sandboxId, execId, CRASH), { stdoutBytes: 0, stderrBytes: 0 });
    const [exit, ...more] = await linesOf(sandboxId, execId);
    assert.deepEqual(more, []);
    assert.deepEqual(
      { ...exit, ts: 0 },
      {
        type: "exit",
        data: 137,
        code: 137,
        signal: "SIGKILL",
        cause: "host_crash",
        durationMs: 5,
        execId,
        seq: 0,
        ts: 0,
      },
    );
  });

  test("what was written longest ago goes first when it is too much, what is still written stays", async () => {
    const own = new OutputStore(join(dir, "pruned"), 5000);
    const ids: string[] = [];
    for (let count = 0; count < 4; count++) {
      const sandboxId = newSandboxId();
      ids.push(sandboxId);
      const path = join(dir, "pruned", `${sandboxId}.out`);
      await writeFile(path, Buffer.alloc(2000));
      await utimes(path, 1000 + count, 1000 + count);
    }
    assert.equal(await own.prune(new Set([ids[0] ?? ""])), 4000);
    assert.deepEqual(
      ids.map((id) => existsSync(join(dir, "pruned", `${id}.out`))),
      [true, false, false, true],
    );
    assert.equal(await own.prune(new Set()), 0);
  });
});
