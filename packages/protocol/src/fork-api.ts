/** `POST /v1/sandboxes/{id}/fork`. */
export interface ForkRequest {
  /** How many; from 1 to 32, default 1. */
  n?: number;
}

/**
 * What a fork has of its parent. `files`: the whole file system as it was at one moment; processes, interpreters' variables and open ports
 * stay the parent's alone. `live`: those too; no host does that yet.
 */
export type ForkState = "live" | "files";

export interface ForkResult {
  children: { id: string; state: ForkState }[];
}

/**
 * `GET /v1/sandboxes/{id}/diff`: what a sandbox's file system has otherwise than another's. Absolute paths of files, links and
 * directories, sorted; bytes that are no UTF-8 read as U+FFFD.
 */
export interface SandboxDiff {
  /** The sandbox that it was compared with. */
  against: string;
  /** What this one has and that one has not. */
  added: string[];
  /** What both have, of another type, mode, size, content or link target. */
  modified: string[];
  /** What that one has and this one has not. */
  removed: string[];
  /** There is more than is listed. */
  truncated: boolean;
}
