import { type Cause, type ExecCompletedData, type ExecException, SIGNALS } from "@sandglass/protocol";
import type { ExecOutput } from "../output/exec-output.ts";

/** What the host knows about how an exec's process (or cell) ended. */
export interface Ending {
  code: number;
  /** 0 where no signal ended it. */
  signal: number;
  cpuMs: number;
  maxRssBytes: number;
  /** OOM kills in its own group while it ran. */
  oomKills: number;
  /** The disk had no room left when it ended, whoever filled it. */
  isDiskFull: boolean;
  contextLost?: boolean;
  /** What the cell raised. */
  exception?: ExecException | undefined;
  /** Words for what was lost or which limit it was, where the cause alone does not say. */
  reason?: string;
}

/** How programs say ENOSPC and EDQUOT. */
const NO_ROOM = /no space left|disk quota exceeded|\bdisk (is )?full|ENOSPC|EDQUOT/i;

/** What the host itself decided before the process ended: it comes first. */
export interface Decision {
  cause: Cause;
  reason?: string;
}

/**
 * One word for why: what the host decided, else what the kernel did, else how the process left.
 * An OOM kill or a full disk is the cause only where the exec failed: a program that copes has exited. A full disk meets only who
 * writes to it, and no kernel says who did: it is the cause where the exec said so last, or raised it.
 *
 * @param output the end of what it wrote
 */
export function causeOf(
  ending: Ending,
  decision: Decision | undefined,
  limits: { memoryMb: number; diskMb: number },
  output: Pick<ExecOutput, "tail">,
): Decision {
  if (decision !== undefined) return decision;
  const isFailure = ending.code !== 0;
  if (isFailure && ending.oomKills > 0)
    return { cause: "oom_killed", reason: `the memory limit of ${limits.memoryMb} MiB was reached` };
  if (ending.signal !== 0) return { cause: "killed" };
  if (!isFailure || !ending.isDiskFull) return { cause: "exited" };
  const { message, stacktrace } = ending.exception ?? {};
  const said = [message, stacktrace, output.tail("stderr"), output.tail("stdout")];
  return said.some((text) => text !== undefined && NO_ROOM.test(text))
    ? { cause: "disk_full", reason: `the disk of ${limits.diskMb} MiB is full` }
    : { cause: "exited", reason: `the disk of ${limits.diskMb} MiB was full when it ended` };
}

/** What the exit line, the event and the API say of an ending alike. */
export type EndingWords = Pick<ExecCompletedData, "cause" | "durationMs" | "signal" | "reason">;

/** @param notes what else is to be said, as far as there is anything */
export function endingWords(
  { cause, reason }: ReturnType<typeof causeOf>,
  durationMs: number,
  ending: Ending,
  notes: readonly (string | undefined)[],
): EndingWords {
  const signal = Object.entries(SIGNALS).find(([, number]) => number === ending.signal)?.[0];
  const all = [reason, ending.reason, ...notes].filter((part) => part !== undefined).join("; ");
  return {
    cause,
    durationMs,
    ...(signal === undefined ? {} : { signal }),
    ...(all === "" ? {} : { reason: all }),
  };
}
