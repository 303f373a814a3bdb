import type { Isolation, UnenforcedLimit } from "@sandglass/protocol";
import type { DriverCreate } from "./driver.ts";

/** What a minder's child executes to become one sandbox. */
export interface WallCommand {
  /**
   * Started in the sandbox's own mount namespace, in `mountPoint`, where `r` is the sandbox's root, and under the sandbox's own uid.
   * Descriptor 3 is the agent's line to the host; 4 is the seccomp filter, or `configuration` where there is one.
   */
  argv: string[];
  configuration?: string;
}

/** What one sandbox has that its wall must know. */
export interface WallOwn {
  uid: number;
  mountPoint: string;
  /** Of the sandbox as it is made. */
  maxPids: number;
  /** The agent holds the sandbox to this many processes and threads itself, for there is no control group that does. */
  agentPids?: number | undefined;
}

/** What is particular to one way to isolate; everything else is the same for all (`helper-driver.ts`). */
export interface Wall {
  readonly name: Isolation;
  /** A kernel of the sandbox's own, which holds it to its limit on processes; see `DriverCapabilities`. */
  readonly hasGuestKernel: boolean;
  /** Where the only child of the wall's process has the sandbox's root, with a slash behind it. */
  readonly root: string;
  /** Limits that this wall cannot enforce on any host. */
  readonly unenforced: readonly UnenforcedLimit[];
  /** Path of its program; undefined where it is not on this host. */
  program(): string | undefined;
  /** What to do where {@link program} is not there. */
  readonly remedy: string;
  command(request: DriverCreate, own: WallOwn): WallCommand;
  /** Processes and threads of the host that a sandbox with this limit may have. */
  hostPids(maxPids: number): number;
}
