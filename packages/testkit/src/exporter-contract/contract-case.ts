import { ContractWorld } from "./contract-world.ts";
import type { ExporterHarness, ExporterUnderTest, TransientFaultName } from "./subject.ts";

/** One thing that every exporter must do. */
export interface ContractCase {
  /** A sentence on behaviour. */
  name: string;
  /** Rejects where the exporter does not do it. */
  run(subject: RunningSubject): Promise<void>;
}

export interface RunningSubject extends ExporterUnderTest {
  /** It runs in the thread of the exporters. Starting that takes longer than most cases. Default false. */
  isInThread?: boolean;
}

/** Runs `work` with a destination and a world of its own, and gives both back. */
export async function inWorld(
  subject: RunningSubject,
  work: (world: ContractWorld, harness: ExporterHarness) => Promise<void>,
): Promise<void> {
  const harness = await subject.start();
  try {
    await ContractWorld.run(harness, subject.isInThread ?? false, (world) => work(world, harness));
  } finally {
    await harness.close();
  }
}

/** A fault of the harness, which has to have it. */
export function faultOf<Name extends keyof ExporterHarness["faults"]>(
  { faults }: ExporterHarness,
  name: Name,
): NonNullable<ExporterHarness["faults"][Name]> {
  const fault = faults[name];
  if (fault === undefined) throw new Error(`the harness has no fault ${name} and does not excuse it`);
  return fault as NonNullable<ExporterHarness["faults"][Name]>;
}

/** Any fault that keeps everything from arriving. */
export function deadDestination({
  faults,
}: ExporterHarness): NonNullable<ExporterHarness["faults"][TransientFaultName]> {
  const { unavailable, pathGone, fullDisk, hang } = faults;
  const fault = unavailable ?? pathGone ?? fullDisk ?? hang;
  if (fault === undefined) throw new Error("the harness has no way to make its destination dead");
  return fault;
}
