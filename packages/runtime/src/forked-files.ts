import type { CallContext, SandboxDiff } from "@sandglass/protocol";
import { newSpanId, SandglassError } from "@sandglass/protocol";
import { errnoName } from "./agent/connection.ts";
import { type Changes, compare, contentOf, type Pair } from "./changes.ts";
import { msSince } from "./duration.ts";
import { FileOperation } from "./file-operation.ts";
import { flush } from "./flush.ts";
import { sameSince } from "./lineage.ts";
import type { Sandbox } from "./sandbox.ts";
import { sandboxEnded } from "./sandbox-ended.ts";
import { baseOf } from "./templates.ts";
import { Turns } from "./turns.ts";
import { unlessAborted } from "./unless-aborted.ts";

const MAX_PATHS = 10_000;
/** Of a listing, which says then that there is more. */
const DIFF_TIMEOUT_MS = 30_000;
/** Of what a merge would do, before it does any of it. */
const LIST_TIMEOUT_MS = 120_000;
const MERGE_TIMEOUT_MS = 600_000;
/** Room that a merge leaves on the disk it writes to: a file system reserves some for what it is about to write. */
const SPARE_BYTES = 4 * 1024 * 1024;

/** Each reads two disks for as long as it takes. */
const comparisons = new Turns(2);
/** One that takes part in a merge takes part in no other: two that wait for each other's would wait for ever. */
const merging = new WeakSet<Sandbox>();

/** @throws SandglassError INVALID_REQUEST where the two have no layers in common; UNSUPPORTED_ON_HOST, DRIVER_ERROR */
export async function diff(sandbox: Sandbox, against: Sandbox): Promise<SandboxDiff> {
  assertComparable(sandbox, against);
  const pair = pairOf(sandbox, against);
  await Promise.all([sandbox, against].map((each) => each.info().state === "running" && flush(each)));
  const found = { added: [] as string[], modified: [] as string[], removed: [] as string[] };
  let count = 0;
  const { isTruncated } = await comparisons.run(() =>
    compare(
      pair,
      (kind, path) => {
        if (++count > MAX_PATHS) return false;
        found[kind].push(path.toString("utf8"));
        return true;
      },
      AbortSignal.timeout(DIFF_TIMEOUT_MS),
    ),
  );
  for (const paths of Object.values(found)) paths.sort((a, b) => (a < b ? -1 : 1));
  return { against: against.id, ...found, truncated: isTruncated };
}

/**
 * Makes a sandbox's files those of another, which stands still meanwhile and ends then with cause `merged`.
 *
 * @throws SandglassError INVALID_REQUEST; FILE_CONFLICT where one of the two is being merged; DISK_FULL before anything is written where
 *   there is no room; FILE_ERROR, DISK_FULL with how far it came
 */
export async function merge(sandbox: Sandbox, winner: Sandbox, context: CallContext): Promise<void> {
  const started = performance.now();
  assertComparable(sandbox, winner);
  const pair = pairOf(winner, sandbox);
  for (const each of [sandbox, winner]) {
    if (merging.has(each)) throw new SandglassError("FILE_CONFLICT", `sandbox ${each.id} is being merged`);
  }
  for (const each of [sandbox, winner]) merging.add(each);
  const release = await sandbox.hold().catch((error: Error) => {
    for (const each of [sandbox, winner]) merging.delete(each);
    throw error;
  });
  try {
    await Promise.all([flush(sandbox), flush(winner)]);
    const changes = await winner.standStill((ended) => {
      const signal = AbortSignal.any([ended, sandbox.over, AbortSignal.timeout(MERGE_TIMEOUT_MS)]);
      return carryOver(pair, sandbox, signal);
    });
    const { added, modified, removed } = changes;
    const data = { winner: winner.id, durationMs: msSince(started), added, modified, removed };
    await sandbox.record.say(context, "sandbox.merged", "info", data);
    await winner.terminate("merged", context, `merged into ${sandbox.id}`);
  } catch (error) {
    const { code, message } = error as SandglassError;
    const isKnown = error instanceof SandglassError && code !== "SANDBOX_ENDED" && code !== "SANDBOX_PAUSED";
    if (isKnown) await sayFailure(sandbox, context, { code, message });
    throw error;
  } finally {
    for (const each of [sandbox, winner]) merging.delete(each);
    release();
  }
}

async function carryOver(pair: Pair, sandbox: Sandbox, signal: AbortSignal): Promise<Changes> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]);
  const changes = await comparisons.run(() => compare(pair, () => true, soon));
  const total = changes.added + changes.modified + changes.removed;
  if (sandbox.over.aborted) throw sandboxEnded(sandbox.id, sandbox.info().cause);
  if (changes.isTruncated) {
    throw new SandglassError(
      "FILE_ERROR",
      "nothing was merged: the winner's files could not all be looked at",
      {
        hint: "some are deeper than 200 directories, have paths of more than 4095 bytes, or are too many",
      },
    );
  }
  const freeBytes = sandbox.parts.machine.driver.disk()?.freeBytes ?? 0;
  if (changes.sizeBytes > 0 && changes.sizeBytes + SPARE_BYTES > freeBytes) {
    const words = `${changes.sizeBytes} bytes to take over, ${freeBytes} free`;
    throw new SandglassError("DISK_FULL", `nothing was merged: the sandbox's disk has no room (${words})`, {
      hint: "remove files of the sandbox first, or of the winner",
    });
  }
  const applying = apply(pair, sandbox, signal);
  // The code inside can stop the process that does it, and the winner stands still for as long as it is waited for.
  const [errno = "", done = "", path = ""] = await unlessAborted(signal, applying, () => {
    if (sandbox.over.aborted) return sandboxEnded(sandbox.id, sandbox.info().cause);
    return new SandglassError(
      "FILE_ERROR",
      "the merge did not come to its end in time; the winner goes on as it is",
      {
        hint: "what was taken over stays; see what keeps the sandbox from writing, and merge again",
      },
    );
  });
  if (errno === "0") return changes;
  const name = /^\d{1,4}$/.test(errno) ? errnoName(Number(errno)) : "an answer that is none";
  const where = sandbox.info().record === "full" && path !== "" ? ` at ${path}` : "";
  const far = `${/^\d{1,15}$/.test(done) ? done : "some"} of ${total} changes`;
  throw new SandglassError(
    name === "ENOSPC" ? "DISK_FULL" : "FILE_ERROR",
    `the merge ended after ${far}${where}: ${name}; the winner goes on as it is`,
    { hint: "what was taken over stays; compare the two, mend what is in the way, and merge again" },
  );
}

/** A moment in the span of whoever asked, for a merge that failed is no span of its own. Beside the failure itself, which the caller is told. */
async function sayFailure(
  sandbox: Sandbox,
  context: CallContext,
  failure: { code: string; message: string },
): Promise<void> {
  const spanId = context.parentSpanId || newSpanId();
  const place = { ...context, parentSpanId: "" };
  await sandbox.record.say(place, "sandbox.error", "error", failure, spanId).catch(() => {});
}

/** Resolves with errno, how many changes were carried out, and where it stopped: what a process inside says. */
async function apply(pair: Pair, sandbox: Sandbox, signal: AbortSignal): Promise<string[]> {
  const operation = await FileOperation.start(sandbox.parts.machine.agent, ["apply"], { withStdin: true });
  const { content, assertWhole } = contentOf(pair, signal);
  const abandon = (): void => {
    operation.abandon();
    content.destroy();
  };
  signal.addEventListener("abort", abandon, { once: true });
  try {
    await operation.feed(content);
    const said = await operation.fields();
    if (said[0] === "0") await assertWhole();
    return said;
  } finally {
    signal.removeEventListener("abort", abandon);
  }
}

function pairOf(sandbox: Sandbox, against: Sandbox): Pair {
  const lines = [sandbox, against].map(({ id, parts }) => ({ id, lineage: parts.lineage })) as [
    Parameters<typeof sameSince>[0],
    Parameters<typeof sameSince>[1],
  ];
  return {
    sandbox: sandbox.parts.machine.driver.mounts,
    against: against.parts.machine.driver.mounts,
    sameSince: sameSince(...lines),
  };
}

function assertComparable(a: Sandbox, b: Sandbox): void {
  const refuse = (message: string): never => {
    throw new SandglassError("INVALID_REQUEST", message);
  };
  if (a === b) refuse("a sandbox has nothing otherwise than itself: name another one");
  const [one, other] = [a.parts.machine, b.parts.machine];
  if (one.isolation !== other.isolation)
    refuse(`${a.id} has isolation "${one.isolation}", ${b.id} "${other.isolation}": it has to be the same`);
  const [base, otherBase] = [baseOf(one.template), baseOf(other.template)];
  if (base !== otherBase)
    refuse(`${a.id} is made from "${base}", ${b.id} from "${otherBase}": it has to be the same`);
}
