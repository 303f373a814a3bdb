import type { Readable } from "node:stream";
import { SandglassError } from "@sandglass/protocol";
import type { NativeEnding } from "./host/native-run.ts";
import { runNative } from "./host/native-run.ts";

/** What one sandbox's file system has otherwise than another's. */
export interface Changes {
  added: number;
  modified: number;
  removed: number;
  /** Bytes that what was added and modified takes, about. */
  sizeBytes: number;
  /** Something is too deep or too long to be looked at, or there was no time or room for all of it. */
  isTruncated: boolean;
}

type Kind = "added" | "modified" | "removed";
const KINDS: Readonly<Record<string, Kind>> = { A: "added", M: "modified", R: "removed" };

/** The two that are compared, and what is known of both. */
export interface Pair {
  /** Where each is mounted, as its driver says. */
  sandbox: string;
  against: string;
  /** Unix time in seconds: both disks are copies of one that was taken later. 0 where they are not. */
  sameSince: number;
}

/**
 * Compares two sandboxes' file systems by a process of the host's (`native/compare.c`), which reads what either has in its own layer.
 *
 * @param onPath called with each difference, in the order of paths; false ends it there
 * @param signal ends it; what was found until then is told
 * @throws SandglassError DRIVER_ERROR
 */
export async function compare(
  pair: Pair,
  onPath: (kind: Kind, path: Buffer) => boolean,
  signal: AbortSignal,
): Promise<Changes> {
  const { child, ended } = runNative(argvOf("list", pair), [], signal);
  const changes: Changes = { added: 0, modified: 0, removed: 0, sizeBytes: 0, isTruncated: false };
  let isWhole = false;
  for await (const text of textsOf(child.stdout as Readable)) {
    const letter = String.fromCharCode(text[0] ?? 0);
    const kind = KINDS[letter];
    if (letter === "T") changes.isTruncated = true;
    if (letter === "E") {
      isWhole = true;
      changes.sizeBytes = Number(text.toString("latin1", 1));
    }
    if (kind === undefined) continue;
    if (!onPath(kind, text.subarray(1))) {
      child.kill("SIGKILL");
      return { ...changes, isTruncated: true };
    }
    changes[kind]++;
  }
  const ending = await ended;
  if (isWhole && ending.code === 0) return changes;
  if (signal.aborted) return { ...changes, isTruncated: true };
  throw failed(ending);
}

/**
 * What {@link compare} found as the stream that `native/apply.c` carries out; its failure is said when it has ended. To be read at once:
 * Node throws away what a process has written when it ends and nobody reads.
 */
export function contentOf(
  pair: Pair,
  signal: AbortSignal,
): { content: Readable; assertWhole(): Promise<void> } {
  const { child, ended } = runNative(argvOf("content", pair), [], signal);
  const assertWhole = async (): Promise<void> => {
    const ending = await ended;
    if (ending.code !== 0) throw failed(ending);
  };
  return { content: child.stdout as Readable, assertWhole };
}

function argvOf(what: "list" | "content", { sandbox, against, sameSince }: Pair): string[] {
  return ["compare", what, sandbox, against, String(sameSince)];
}

function failed({ said }: NativeEnding): SandglassError {
  return new SandglassError("DRIVER_ERROR", `the file systems could not be compared: ${said || "killed"}`, {
    hint: "it may be that one of the two has just ended",
  });
}

async function* textsOf(stream: Readable): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    let from = 0;
    for (let at = bytes.indexOf(0, from); at !== -1; at = bytes.indexOf(0, from)) {
      yield bytes.subarray(from, at);
      from = at + 1;
    }
    held = bytes.subarray(from);
  }
}
