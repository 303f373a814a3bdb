/**
 * A sandbox made on demand, from the call to the first byte of output, beside bare bubblewrap which has no limits, no disk, no
 * API and no record. Like is compared with like: in both a fresh Python prints one line.
 */
import type { Sandbox, StreamEvent } from "sandglass";
import { MeasuredDaemon } from "./measure/daemon.ts";
import { interleave } from "./measure/interleave.ts";
import type { Part, Plan } from "./measure/plan.ts";
import { runProgram } from "./measure/program.ts";
import { type Row, row } from "./measure/row.ts";
import { median, percentile } from "./measure/statistics.ts";
import { BARE_BWRAP } from "./peers/bare-bwrap.ts";
import { PRINTED, PROGRAM } from "./peers/peer.ts";

const PYTHON = "on demand: python, runCode";
const BASH = "on demand: bash, command";
const BARE = "bare bwrap python3 -c";
const WARM_UP = 3;

export const cold: Part = {
  name: "cold",
  title: "Create on demand to the first byte of output",
  measure: measureCold,
};

async function measureCold(plan: Plan): Promise<Row[]> {
  await using daemon = await MeasuredDaemon.start();
  const candidates = [
    {
      name: PYTHON,
      run: () => firstByte(daemon, "python", (sandbox) => sandbox.runCodeStream("print(1)")),
    },
    {
      name: BARE,
      run: async () => (await runProgram([...BARE_BWRAP, ...PROGRAM], PRINTED)).firstByteMs,
    },
    { name: BASH, run: () => firstByte(daemon, "bash", (sandbox) => sandbox.commands.stream("echo 1")) },
  ];
  await interleave(WARM_UP, candidates);
  const samples = await interleave(plan.times(40, 4), candidates);
  const python = samples.get(PYTHON)!;
  const bash = samples.get(BASH)!;
  const bare = samples.get(BARE)!;
  return [
    row(`${BASH}, p50`, median(bash), "ms", { target: { atMost: 150 } }),
    row(`${BASH}, p95`, percentile(bash, 0.95), "ms"),
    row(`${PYTHON}, p50`, median(python), "ms", { target: { atMost: 150 } }),
    row(`${PYTHON}, p95`, percentile(python, 0.95), "ms"),
    row(`${BARE}, p50`, median(bare), "ms"),
    row("python on demand / bare bwrap python3", median(python) / median(bare), "x", {
      target: { atMost: 4 },
      note: "same run, in turns",
    }),
  ];
}

async function firstByte(
  daemon: MeasuredDaemon,
  template: string,
  run: (sandbox: Sandbox) => AsyncIterable<StreamEvent>,
): Promise<number> {
  const started = performance.now();
  const sandbox = await daemon.client.sandboxes.create({ template });
  let ms: number | undefined;
  for await (const event of run(sandbox)) {
    if (event.type === "stdout") ms ??= performance.now() - started;
  }
  await daemon.discard(sandbox);
  if (ms === undefined) throw new Error(`the ${template} sandbox printed nothing`);
  return ms;
}
