import type { CallContext } from "@sandglass/protocol";
import { msSince } from "./duration.ts";
import { flush } from "./flush.ts";
import type { DiskSnapshot } from "./host/disk-copy.ts";
import type { Ancestor } from "./lineage.ts";
import type { Sandbox } from "./sandbox.ts";
import type { SandboxMaker } from "./sandbox-maker.ts";
import { Turns } from "./turns.ts";

/** Children that boot at once: each takes a processor for some ten milliseconds, and a copy of the disk. */
const AT_ONCE = 4;

export interface ForkHost {
  maker: SandboxMaker;
  /** Fires when the runtime ends. */
  closing: AbortSignal;
  /** Keeps room for so many sandboxes, and gives the function that gives up some of it, or all that is left. Throws SANDBOX_LIMIT_REACHED. */
  reserve(count: number): (some?: number) => void;
  /** One that has been made: it is known from here on. */
  onMade(sandbox: Sandbox): void;
  /** It is not known any more: nothing was recorded of it. */
  onAbandoned(sandbox: Sandbox): void;
}

/**
 * Makes sandboxes with the files of another as they are at one moment, and with its settings. The parent stands still while its disk is
 * copied once, and goes on whatever comes of it; the children boot on copies of that copy. Either all of them begin, or none stays.
 *
 * @throws SandglassError SANDBOX_LIMIT_REACHED, DISK_FULL before anything is made; UNSUPPORTED_ON_HOST; DRIVER_ERROR
 */
export async function fork(
  parent: Sandbox,
  count: number,
  context: CallContext,
  host: ForkHost,
): Promise<Sandbox[]> {
  const forking = forkNow(parent, count, context, host);
  const said = forking.then(
    () => {},
    () => {},
  );
  parent.unsaid.add(said);
  void said.then(() => parent.unsaid.delete(said));
  return forking;
}

async function forkNow(
  parent: Sandbox,
  count: number,
  context: CallContext,
  host: ForkHost,
): Promise<Sandbox[]> {
  const started = performance.now();
  const release = host.reserve(count);
  try {
    const { snapshot, atMs } = await snapshotOf(parent, count, host.closing);
    const making = { count, snapshot, atMs, context, started, host, release };
    const children = await makeAll(parent, making).finally(() => snapshot.remove());
    await beginAll(children, host);
    try {
      const data = { children: children.map(({ id }) => id), durationMs: msSince(started) };
      await parent.record.say(context, "sandbox.forked", "info", data);
      return children;
    } catch (error) {
      await endAll(children);
      throw error;
    }
  } finally {
    release();
  }
}

async function snapshotOf(
  parent: Sandbox,
  uses: number,
  closing: AbortSignal,
): Promise<{ snapshot: DiskSnapshot; atMs: number }> {
  const { machine } = parent.parts;
  // Refused here, before a guest's kernel is asked for anything.
  void machine.driver.mounts;
  await flush(parent);
  return parent.standStill(async (ended) => {
    const atMs = Date.now();
    const signal = AbortSignal.any([ended, closing]);
    return { snapshot: await machine.driver.snapshot(uses, signal), atMs };
  });
}

interface Making {
  count: number;
  snapshot: DiskSnapshot;
  atMs: number;
  context: CallContext;
  started: number;
  host: ForkHost;
  release(some: number): void;
}

async function makeAll(parent: Sandbox, making: Making): Promise<Sandbox[]> {
  const children: Sandbox[] = [];
  const { snapshot, atMs, context, started, host } = making;
  const { machine, request, owner, limits, network, takeLines, lineage } = parent.parts;
  const { template, isolation } = machine;
  const parents: Ancestor[] = [{ id: parent.id, atMs }, ...lineage];
  const settings = { template, isolation, request, owner, limits, network, takeLines };
  const runId = parent.parts.context.runId;
  const turns = new Turns(AT_ONCE);
  let failure: unknown;
  const make = async (): Promise<void> => {
    if (failure !== undefined) return;
    making.release(1); // from here on it counts as one that is made
    const own = { snapshot, lineage: parents, context: { ...context, runId }, started, isPooled: false };
    try {
      await host.maker.make({ ...settings, ...own }, (child) => {
        children.push(child);
        host.onMade(child);
      });
    } catch (error) {
      failure ??= error;
    }
  };
  await Promise.all(Array.from({ length: making.count }, () => turns.run(make)));
  if (failure === undefined) return children;
  await Promise.all(children.map((child) => abandon(child, host)));
  throw failure;
}

/** What has begun ends by the record where another could not; of what has not there is nothing to say. */
async function beginAll(children: readonly Sandbox[], host: ForkHost): Promise<void> {
  const outcomes = await Promise.allSettled(children.map((child) => child.begin()));
  const failed = children.filter((_, at) => outcomes[at]?.status === "rejected");
  if (failed.length === 0) return;
  await Promise.all([
    ...failed.map((child) => abandon(child, host)),
    endAll(children.filter((child) => !failed.includes(child))),
  ]);
  throw outcomes.find((outcome) => outcome.status === "rejected")?.reason;
}

async function endAll(children: readonly Sandbox[]): Promise<void> {
  const why = "the fork that it was part of failed";
  await Promise.all(children.map((child) => child.terminate("driver_error", child.parts.context, why)));
}

async function abandon(child: Sandbox, host: ForkHost): Promise<void> {
  host.onAbandoned(child);
  await child.abandon();
}
