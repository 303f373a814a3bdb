/**
 * What a user would otherwise pick on this machine, in the same run and in turns: `python3 -c 'print(1)'` once, isolated, from
 * nothing to its end, tidied up.
 */
import { MeasuredDaemon } from "./measure/daemon.ts";
import { type Candidate, interleave, timed } from "./measure/interleave.ts";
import type { Part, Plan } from "./measure/plan.ts";
import { missingRow, type Row, row } from "./measure/row.ts";
import { median } from "./measure/statistics.ts";
import { bareBwrap } from "./peers/bare-bwrap.ts";
import { type Peer, PRINTED, PROGRAM } from "./peers/peer.ts";
import { podman } from "./peers/podman.ts";
import { sandboxRuntimeCli, sandboxRuntimeLibrary } from "./peers/sandbox-runtime.ts";

const PEERS: readonly Peer[] = [bareBwrap, podman, sandboxRuntimeCli, sandboxRuntimeLibrary];
const CELL = "sandglass from the pool, runCode";
const POOLED = "sandglass from the pool, python3";
const COLD = "sandglass on demand, python3";
const WARM_UP = 2;

export const peers: Part = {
  name: "peers",
  title: "python3 -c 'print(1)' once, isolated, from nothing to its end",
  measure: measurePeers,
};

async function measurePeers(plan: Plan): Promise<Row[]> {
  await using running = new AsyncDisposableStack();
  const daemon = running.use(await MeasuredDaemon.start({ pool: 2 }));
  const candidates: Candidate[] = ours(daemon);
  const missing: Row[] = [];
  const notes = new Map<string, string>();
  for (const peer of PEERS) {
    try {
      const started = running.use(await peer.start());
      await started.run();
      candidates.push({ name: peer.name, run: () => started.run() });
      notes.set(peer.name, `${started.version}: ${peer.note}`);
    } catch (error) {
      missing.push(missingRow(peer.name, "ms", `cannot run here: ${(error as Error).message}`));
    }
  }
  await interleave(WARM_UP, candidates);
  const samples = await interleave(plan.times(15, 2), candidates);
  const ms = (name: string) => median(samples.get(name)!);
  return [
    ...candidates.map(({ name }) => row(`${name}, p50`, ms(name), "ms", noteOf(notes.get(name)))),
    ...missing,
    ...PEERS.filter(({ name }) => samples.has(name)).flatMap(({ name }) => [
      row(`${name} / ${CELL}`, ms(name) / ms(CELL), "x"),
      row(`${name} / ${COLD}`, ms(name) / ms(COLD), "x"),
    ]),
  ];
}

/** The same from our side: create, run, destroy. */
function ours(daemon: MeasuredDaemon): Candidate[] {
  const once = async (template: string, run: "cell" | "program"): Promise<number> => {
    // Filling the pool is the pool's business, before the call.
    await daemon.poolIsFull();
    return timed(async () => {
      const sandbox = await daemon.client.sandboxes.create({ template });
      const { stdout } = await (run === "cell" ? sandbox.runCode("print(1)") : sandbox.commands.run(PROGRAM));
      if (stdout !== PRINTED) throw new Error(`sandglass printed ${JSON.stringify(stdout)}`);
      await sandbox.terminate();
    });
  };
  return [
    { name: CELL, run: () => once("python", "cell") },
    { name: POOLED, run: () => once("python", "program") },
    { name: COLD, run: () => once("bash", "program") },
  ];
}

function noteOf(note: string | undefined): { note?: string } {
  return note === undefined ? {} : { note };
}
