/**
 * What a sandbox notices of one beside it that forks without end, fills its disk and floods the record: its round trips alone and
 * beside it, in turns.
 */
import type { Sandbox } from "sandglass";
import { MeasuredDaemon } from "./measure/daemon.ts";
import type { Part, Plan } from "./measure/plan.ts";
import { type Row, row } from "./measure/row.ts";
import { median, percentile } from "./measure/statistics.ts";

/** Each ends only with its sandbox. */
const ATTACKS = [
  // Every process makes another for as long as there is room.
  "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass",
  "while True:\n  try:\n    with open('/workspace/fill', 'wb') as f:\n      while True: f.write(b'x' * 1048576); f.flush()\n  except OSError: pass",
  "while True: print('log ' * 20, flush=True)",
];
const WARM_UP = 20;

export const neighbour: Part = {
  name: "neighbour",
  title: "An exec beside a sandbox that forks, fills its disk and floods its output",
  measure: measureNeighbour,
};

async function measureNeighbour(plan: Plan): Promise<Row[]> {
  await using daemon = await MeasuredDaemon.start();
  const quiet = await daemon.client.sandboxes.create({ template: "python" });
  await roundTrips(quiet, WARM_UP);
  const alone: number[] = [];
  const beside: number[] = [];
  const ratios: number[] = [];
  for (let round = plan.times(5, 1); round > 0; round--) {
    const before = await roundTrips(quiet, plan.times(200, 20));
    const hostile = await daemon.client.sandboxes.create({
      template: "python",
      maxOutputBytes: 8 * 1024 ** 3,
    });
    const attacks = ATTACKS.map((code) =>
      hostile.commands.run(["python3", "-c", code]).then(({ cause }) => cause),
    );
    const during = await roundTrips(quiet, plan.times(200, 20));
    await hostile.terminate();
    // Each goes on for ever: one that ended otherwise was none.
    for (const cause of await Promise.all(attacks))
      if (cause !== "sandbox_ended") throw new Error(`an attack ended with ${cause}`);
    alone.push(...before);
    beside.push(...during);
    ratios.push(percentile(during, 0.99) / percentile(before, 0.99));
  }
  await quiet.terminate();
  return [
    row("alone, p99", percentile(alone, 0.99), "ms", { note: `p50 ${median(alone).toFixed(2)} ms` }),
    row("beside it, p99", percentile(beside, 0.99), "ms", { note: `p50 ${median(beside).toFixed(2)} ms` }),
    row("beside it / alone, p99", median(ratios), "x", {
      target: { atMost: 3 },
      note: "median of the rounds",
    }),
  ];
}

async function roundTrips(sandbox: Sandbox, count: number): Promise<number[]> {
  const samples: number[] = [];
  for (let index = 0; index < count; index++) {
    const started = performance.now();
    const { stdout } = await sandbox.runCode("print(1)");
    samples.push(performance.now() - started);
    if (stdout !== "1\n") throw new Error(`the cell printed ${JSON.stringify(stdout)}`);
  }
  return samples;
}
