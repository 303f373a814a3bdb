import assert from "node:assert/strict";
import { test } from "node:test";
import { ExecLines } from "./exec-lines.ts";
import { LineAllowance } from "./line-allowance.ts";
import type { OutputLines } from "./output-lines.ts";

const HEAD = {
  sandboxId: "sbx_1",
  orgId: "acme",
  runId: "run_1",
  template: "python",
  serviceName: "shop",
  execId: "exec_1",
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  traceFlags: 1,
};

function begin(allowance = new LineAllowance()): { exec: ExecLines; batches: OutputLines[] } {
  const batches: OutputLines[] = [];
  return { exec: new ExecLines({ head: HEAD, allowance, take: (batch) => batches.push(batch) }), batches };
}

test("lines of both streams are told in their order, a moment after they came, with whose they are", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { exec, batches } = begin();
  exec.push("stdout", Buffer.from("out 1\nout"));
  exec.push("stderr", Buffer.from("err 1\n"));
  exec.push("stdout", Buffer.from(" 2\n"));
  assert.equal(batches.length, 0);
  t.mock.timers.tick(100);
  assert.equal(batches.length, 1);
  const [batch] = batches as [OutputLines];
  const { lines } = batch;
  assert.deepEqual(batch, { ...HEAD, lines });
  assert.deepEqual(
    lines.map(({ stream, text }) => [stream, text]),
    [
      ["stdout", "out 1"],
      ["stderr", "err 1"],
      ["stdout", "out 2"],
    ],
  );
  exec.end();
  assert.equal(batches.length, 1);
});

test("of lines that come at once each is later than the one before, and many are told at once", () => {
  const { exec, batches } = begin();
  exec.push("stdout", Buffer.from("line\n".repeat(450)));
  assert.deepEqual(
    batches.map(({ lines }) => lines.length),
    [200, 200],
  );
  exec.end();
  const times = batches.flatMap(({ lines }) => lines.map(({ timeMicros }) => timeMicros));
  assert.equal(times.length, 450);
  for (const [index, time] of times.entries()) if (index > 0) assert.ok(time > times[index - 1]!);
  assert.ok(Math.abs(times[0]! / 1000 - Date.now()) < 60_000);
});

test("the end brings the last line, and what was left out since it was last said", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { exec, batches } = begin();
  exec.push("stdout", Buffer.from("x\n".repeat(5_000)));
  const told = (): number => batches.reduce((sum, { lines }) => sum + lines.length, 0);
  assert.equal(told(), 2_000);
  const leftOut = (): unknown[] =>
    batches.flatMap((batch) => batch.leftOut ?? []).map(({ lines, bytes }) => ({ lines, bytes }));
  assert.deepEqual(leftOut(), []);
  t.mock.timers.tick(1_000);
  assert.deepEqual(leftOut(), [{ lines: 3_000, bytes: 6_000 }]);
  t.mock.timers.tick(5_000);
  assert.equal(leftOut().length, 1);
  exec.push("stdout", Buffer.alloc(10_000, "y\n"));
  exec.end();
  const said = leftOut() as { lines: number; bytes: number }[];
  assert.equal(told() + said.reduce((sum, { lines }) => sum + lines, 0), 10_000);
  exec.end();
  assert.equal(leftOut().length, said.length);
});

test("the execs of a sandbox share what it may tell: 2,000 lines or 2 MiB at once, and half of it a second", () => {
  const allowance = new LineAllowance();
  allowance.fill(0);
  for (let count = 0; count < 2_000; count++) {
    assert.ok(allowance.hasRoom);
    allowance.spend(10);
  }
  assert.ok(!allowance.hasRoom);
  allowance.fill(500);
  let lines = 0;
  for (; allowance.hasRoom; lines++) allowance.spend(10);
  assert.equal(lines, 500);
  allowance.fill(60_000);
  let bytes = 0;
  for (; allowance.hasRoom; bytes += 8_192) allowance.spend(8_192);
  assert.equal(bytes, 2 * 1024 * 1024);
});
