import assert from "node:assert/strict";
import { test } from "node:test";
import { newExecId } from "@sandglass/protocol";
import { readLines } from "@sandglass/testkit";
import { ExecOutput } from "./exec-output.ts";

test("what comes when an exec is over is neither counted, kept nor shown, and holds no process up", async () => {
  const execId = newExecId();
  let room = 0;
  let kept = 0;
  const output = new ExecOutput({
    execId,
    segment: undefined,
    maxBytes: 1000,
    onLimit: () => assert.fail("it is within the limit"),
    onRoom: (bytes) => {
      room += bytes;
    },
    onKept: (_stream, bytes) => {
      kept += bytes.length;
    },
  });
  output.append("stdout", Buffer.from("in time"));
  output.close();
  output.append("stdout", Buffer.from("between"));
  output.appendResult({ "text/plain": "late" });
  output.appendExit({ type: "exit", data: 0, code: 0, cause: "exited", durationMs: 1, execId });
  output.append("stderr", Buffer.alloc(2000));
  const lines = await readLines(output.lines());
  assert.deepEqual(
    lines.map(({ type }) => type),
    ["stdout", "exit"],
  );
  assert.deepEqual([output.bytes, kept], [{ stdout: 7, stderr: 0 }, 7]);
  output.release();
  assert.equal(room, 7 + 7 + 2000);
});
