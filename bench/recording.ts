/**
 * What the record costs an exec: two daemons called in turns, one of which keeps neither events nor output. What is made of
 * events, log lines and counters, goes with them, so that is counted as a cost of recording too.
 */
import { MeasuredDaemon } from "./measure/daemon.ts";
import { interleave, timed } from "./measure/interleave.ts";
import type { Part, Plan } from "./measure/plan.ts";
import { type Row, row } from "./measure/row.ts";
import { median, percentile } from "./measure/statistics.ts";

const ON = "recording on";
const OFF = "recording off";

export const recording: Part = {
  name: "recording",
  title: "Recording on versus off, round trip of runCode",
  measure: measureRecording,
};

async function measureRecording(plan: Plan): Promise<Row[]> {
  await using on = await MeasuredDaemon.start();
  await using off = await MeasuredDaemon.start({ isRecording: false });
  const recorded = await on.client.sandboxes.create({ template: "python" });
  const forgotten = await off.client.sandboxes.create({ template: "python" });
  const candidates = [
    { name: ON, run: () => timed(() => recorded.runCode("print(1)")) },
    { name: OFF, run: () => timed(() => forgotten.runCode("print(1)")) },
  ];
  await interleave(plan.times(500, 50), candidates);
  const samples = await interleave(plan.times(3000, 100), candidates);
  await recorded.terminate();
  await forgotten.terminate();
  const withRecord = samples.get(ON)!;
  const without = samples.get(OFF)!;
  return [
    row(`${ON}, p50`, median(withRecord), "ms"),
    row(`${ON}, p99`, percentile(withRecord, 0.99), "ms"),
    row(`${OFF}, p50`, median(without), "ms"),
    row(`${OFF}, p99`, percentile(without, 0.99), "ms"),
    row("recording on / off", median(withRecord) / median(without), "x", {
      target: { atMost: 1.1 },
      note: "same run, in turns",
    }),
  ];
}
