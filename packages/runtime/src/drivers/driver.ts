import type { Socket } from "node:net";
import type { Isolation, SandboxLimits, UnenforcedLimit } from "@sandglass/protocol";
import type { SocketHandle } from "../collector.ts";
import type { GroupUsage } from "../host/cgroup-counts.ts";
import type { DiskSnapshot } from "../host/disk-copy.ts";
import type { SandboxUsage } from "../host/sandbox-counts.ts";
import type { ConnectingSocket } from "../host/socket-owners.ts";

/** What a driver can do on this host. What it cannot is said in every sandbox's description and by `sandglass doctor`. */
export interface DriverCapabilities {
  canPause: boolean;
  /** A sandbox's disk can be copied, and two compared: see {@link DriverSandbox.snapshot}. */
  canFork: boolean;
  /** A disk of the sandbox's own with a hard size. */
  hasDiskLimit: boolean;
  /** `/usr` can be written (to a layer of the sandbox's own). */
  hasWritableUsr: boolean;
  /** Each sandbox is a user of its own to the host; otherwise all are the daemon's. */
  hasOwnUsers: boolean;
  /**
   * A kernel of the sandbox's own answers its system calls, and its processes are none of the host's. Then what an exec uses, and how
   * many processes there are, is known for the sandbox as a whole only.
   */
  hasGuestKernel: boolean;
}

export interface DriverCreate {
  id: string;
  limits: SandboxLimits;
  /** Read-only directories of the host. */
  mounts: readonly { source: string; target: string }[];
  /** What its disk is to be; default an empty one. Of the size that `limits` say. */
  snapshot?: DiskSnapshot | undefined;
}

/** What the host knows of one exec's processes, and can do to them. */
export interface ExecGroup {
  /** The exec starts now: what was counted before is not its own. */
  begin(): void;
  /**
   * Another exec starts in it, as a cell does in its interpreter: from here on `usage` is of this one, as far as the kernel tells it from
   * threads and processes that were there before.
   */
  beginNext(): void;
  /** Processes were there when that began, beside the one that runs it: what is counted may be theirs. */
  readonly hadOthers: boolean;
  /** @param isFailure default true; else OOM kills are not looked for: they are the cause of a failure alone */
  usage(isFailure?: boolean): GroupUsage;
  /** SIGKILL to everything in it. */
  kill(): void;
  /** When the exec is over; what it started may still run. */
  tryRemove(): void;
}

/** A process of the sandbox as the agent names it. */
export interface PlacedProcess {
  /** In the sandbox's own pid namespace. */
  readonly pid: number;
  /** To it and its process group, by the agent's hand. */
  signal(number: number): void;
}

/** One sandbox as a driver made it: an agent to talk to, and the host's means over it. */
export interface DriverSandbox {
  /** The agent's socket; its first bytes are the agent's greeting. */
  readonly socket: Socket;
  /** Milliseconds from the beginning to the agent's program running, and from there to its socket. */
  readonly bootMs: number;
  readonly connectMs: number;
  /** Called once when the sandbox's processes are gone; at once where they are already. */
  onExit(callback: () => void): void;
  /** Throws Error for another `maxPids` where that is fixed. */
  setLimits(limits: SandboxLimits): void;
  /** See {@link DriverCapabilities}. */
  readonly hasGuestKernel: boolean;
  /** What holds it to `maxPids` was set when it was made. */
  readonly hasFixedPids: boolean;
  /** A group for one exec, joined by this process. */
  attach(name: string, process: PlacedProcess): Promise<ExecGroup>;
  /**
   * Listening sockets on the loopback of the sandbox's own network namespace, in the order of `ports`; served by the host. May be
   * asked for as soon as the sandbox is there, and resolves when it has a network. The caller closes them.
   * Rejects with DRIVER_ERROR where the sandbox has gone or a port is taken.
   */
  listen(ports: readonly number[]): Promise<SocketHandle[]>;
  /**
   * Whose the program's ends of connections to sockets of {@link listen} are: for each the name of the group that a process with it is in,
   * as {@link attach} was given it. Undefined for one that is nobody's (any more) or cannot be found among too many files; undefined as a
   * whole where this driver cannot know of any.
   */
  ownersOf(sockets: readonly ConnectingSocket[]): Promise<(string | undefined)[] | undefined>;
  /** Whether processes of a group may still be there. */
  hasGroup(name: string): boolean;
  freeze(isFrozen: boolean): Promise<void>;
  /** Of all processes in it. Reading neither wakes nor disturbs them; throws where the sandbox is gone. */
  usage(): SandboxUsage;
  /** Undefined where the sandbox has no disk of its own. */
  disk(): { freeBytes: number; sizeBytes: number } | undefined;
  /**
   * Its disk as it is now, for `uses` sandboxes. Everything in it has been stopped, so that it is of one moment. The caller removes it.
   * Rejects with UNSUPPORTED_ON_HOST where it has no disk that can be copied, DISK_FULL where the host has no room.
   */
  snapshot(uses: number, signal: AbortSignal): Promise<DiskSnapshot>;
  /** The directory of the host's in which its disk and its root are mounted, for `native/compare.c`. Throws where it is gone. */
  readonly mounts: string;
  /** The memory limit took the whole sandbox, as it does where a guest's kernel is what the limit meets. */
  diedOfMemory(): boolean;
  /** What of the host's went away and took the sandbox with it, for an error's message; "" where nothing did. */
  loss(): string;
  /** What the isolation tool itself said, for an error's message; "" where it said nothing. */
  diagnosis(): string;
  /** Kills everything in it; resolves when its processes are gone. Idempotent. */
  kill(): Promise<void>;
  /** After {@link kill}: gives back everything on the host. Idempotent. */
  release(): Promise<void>;
}

/** A way to isolate. Adding one touches its file, its contract test and its docs page. */
export interface SandboxDriver {
  readonly name: Isolation;
  readonly capabilities: DriverCapabilities;
  /** Limits that this host cannot enforce. */
  readonly unenforced: readonly UnenforcedLimit[];
  create(request: DriverCreate): Promise<DriverSandbox>;
  /** Every sandbox it still has is killed. */
  close(): Promise<void>;
}

/** A process inside is not there to be placed: it has ended, or the agent named one that is none of its own. */
export class ProcessEnded extends Error {
  constructor(pid: number) {
    super(`process ${pid} of the sandbox ended before it was placed`);
    this.name = "ProcessEnded";
  }
}
