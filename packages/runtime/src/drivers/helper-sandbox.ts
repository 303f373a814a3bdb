import { existsSync, readFileSync, statfsSync } from "node:fs";
import { type FileHandle, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { newSandboxId, type SandboxLimits, SandglassError } from "@sandglass/protocol";
import type { SocketHandle } from "../collector.ts";
import type { SandboxCgroup } from "../host/cgroups.ts";
import { assertRoomFor, copyDisk, DiskSnapshot } from "../host/disk-copy.ts";
import { ExecCgroup } from "../host/exec-cgroup.ts";
import { NotYet } from "../host/handed-sockets.ts";
import { MINDER_LOST, type Minder } from "../host/minder.ts";
import { processCounts } from "../host/process-counts.ts";
import type { SandboxUsage } from "../host/sandbox-counts.ts";
import { type ConnectingSocket, socketOwners } from "../host/socket-owners.ts";
import { type DriverSandbox, type ExecGroup, type PlacedProcess, ProcessEnded } from "./driver.ts";
import { WholeSandboxGroup } from "./whole-sandbox-group.ts";

/** What runs in a sandbox is chosen by the OOM killer before anything of the host. */
const OOM_SCORE = "100";
/** The wall's program makes the network some milliseconds after it has begun. */
const LOOK_EVERY_MS = 1;
/** What a process takes to go once it is killed; one that is frozen stays for longer. */
const KERNEL_MS = 2_000;

interface Parts {
  /** The wall's own process, outside. Its only child is the agent, or what runs the guest's kernel. */
  pid: number;
  hasGuestKernel: boolean;
  /** Where its only child has the sandbox's root: out of reach of what runs inside, which could bend it. */
  root: string;
  /** Its limit on processes as it was made, and whether nobody can set another. */
  maxPids: number;
  hasFixedPids: boolean;
  /** The daemon is not root. */
  isUser: boolean;
  /** What its processes have open can be looked at; an ordinary user's daemon may not where they have uids of their own. */
  canSeeFiles: boolean;
  /** Control groups count its memory and its processes. */
  isCounted: boolean;
  /** What the host's groups are told, where that is not what the sandbox is. */
  toHostLimits(limits: SandboxLimits): SandboxLimits;
  minder: Minder;
  socket: Socket;
  cgroup: SandboxCgroup;
  dir: string;
  /** Open; undefined where it has none of its own. */
  disk: FileHandle | undefined;
  /** Where snapshots go: nothing of it outlasts the next start of a daemon. */
  disksDir: string;
  mountPoint: string;
  canFork: boolean;
  bootMs: number;
  connectMs: number;
  release(): Promise<void>;
}

function children(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}

/** What is dead and waits for its parent is not: whoever that is now may take its time. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false; // it has gone
  }
}

/** One sandbox that the native helper made, whatever its wall. */
export class HelperSandbox implements DriverSandbox {
  readonly socket: Socket;
  readonly bootMs: number;
  readonly connectMs: number;
  readonly #parts: Parts;
  #agentPid: number | undefined;
  readonly #gone: Promise<void>;
  #released: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.socket = parts.socket;
    this.bootMs = parts.bootMs;
    this.connectMs = parts.connectMs;
    this.#gone = parts.minder.ended.then(() => this.#ended());
    this.#gone.catch(() => {}); // whoever ends it is told
  }

  get hasGuestKernel(): boolean {
    return this.#parts.hasGuestKernel;
  }

  get hasFixedPids(): boolean {
    return this.#parts.hasFixedPids;
  }

  onExit(callback: () => void): void {
    void this.#gone.then(callback, callback);
  }

  setLimits(limits: SandboxLimits): void {
    const { hasFixedPids, maxPids } = this.#parts;
    if (hasFixedPids && limits.maxPids !== maxPids)
      throw new Error("its limit on processes was set when it was made, and no other can be set");
    this.#parts.cgroup.setLimits(this.#parts.toHostLimits(limits));
  }

  async attach(name: string, placed: PlacedProcess): Promise<ExecGroup> {
    if (this.#parts.hasGuestKernel) return new WholeSandboxGroup(() => this.usage(), placed);
    const { pid } = placed;
    const hostPid = this.#hostPid(pid);
    const { cgroup } = this.#parts;
    const group = cgroup.isEmpty ? new WholeSandboxGroup(() => this.usage(), placed) : cgroup.makeExec(name);
    try {
      if (group instanceof ExecCgroup) await group.attach(hostPid);
      // By root, so that nothing this process starts can ever go below it and outlive its host in a shortage of memory.
      if (!this.#parts.isUser) await writeFile(`/proc/${hostPid}/oom_score_adj`, OOM_SCORE);
    } catch (error) {
      group.tryRemove();
      if (this.#statusOfChild(hostPid, pid) === undefined) throw new ProcessEnded(pid);
      throw error;
    }
    const status = this.#statusOfChild(hostPid, pid);
    if (status === undefined || !/^Seccomp:\s+2$/m.test(status)) {
      group.tryRemove();
      if (status === undefined) throw new ProcessEnded(pid);
      throw new Error("the sandbox's processes run without the filter of system calls");
    }
    return group;
  }

  async listen(ports: readonly number[]): Promise<SocketHandle[]> {
    // Ends with the sandbox at the latest, and with its minder.
    for (;;) {
      try {
        return await this.#parts.minder.listen(ports);
      } catch (error) {
        if (!(error instanceof NotYet)) throw error;
      }
      await delay(LOOK_EVERY_MS);
    }
  }

  async ownersOf(sockets: readonly ConnectingSocket[]): Promise<(string | undefined)[] | undefined> {
    const { hasGuestKernel, canSeeFiles, cgroup } = this.#parts;
    // A guest's kernel has its processes and their sockets to itself.
    if (hasGuestKernel || !canSeeFiles || !cgroup.hasExecGroups) return undefined;
    return socketOwners(this.#agent(), cgroup.execGroups(), sockets);
  }

  hasGroup(name: string): boolean {
    return this.#parts.cgroup.execGroups().some((group) => group.name === name);
  }

  freeze(isFrozen: boolean): Promise<void> {
    return this.#parts.cgroup.freeze(isFrozen);
  }

  usage(): SandboxUsage {
    const { cgroup } = this.#parts;
    if (this.#parts.isCounted) return cgroup.usage();
    const counted = processCounts(this.#agent(), this.#parts.hasGuestKernel);
    if (cgroup.isEmpty) return counted;
    const { memoryBytes, pids } = counted;
    return { ...cgroup.usage(), memoryBytes, pids };
  }

  disk(): { freeBytes: number; sizeBytes: number } | undefined {
    try {
      const stat = statfsSync(`/proc/${this.#agent()}/root${this.#parts.root}`);
      return { freeBytes: stat.bavail * stat.bsize, sizeBytes: stat.blocks * stat.bsize };
    } catch {
      return undefined; // it has gone, and its end will say so
    }
  }

  async snapshot(uses: number, signal: AbortSignal): Promise<DiskSnapshot> {
    const { disk, disksDir, canFork, root } = this.#parts;
    if (disk === undefined || !canFork) throw cannotFork();
    const path = join(disksDir, `${newSandboxId()}.snapshot`);
    const room = this.disk();
    await assertRoomFor(disk, room === undefined ? 0 : room.sizeBytes - room.freeBytes, uses, path);
    const snapshot = new DiskSnapshot(path, uses);
    try {
      await copyDisk(disk, path, `/proc/${this.#agent()}/root${root}`, signal);
      return snapshot;
    } catch (error) {
      await snapshot.remove();
      throw error;
    }
  }

  get mounts(): string {
    if (!this.#parts.canFork) throw cannotFork();
    return `/proc/${this.#parts.pid}/root${this.#parts.mountPoint}`;
  }

  diedOfMemory(): boolean {
    try {
      // Code inside may have the agent chosen first, whose score is its own to raise.
      return (this.#parts.hasGuestKernel ? this.usage().oomKills : this.#parts.cgroup.agentOomKills()) > 0;
    } catch {
      return false; // its groups have gone: it was ended by the host
    }
  }

  loss(): string {
    return this.#parts.minder.isLost ? MINDER_LOST : "";
  }

  diagnosis(): string {
    const log = join(this.#parts.dir, "wall.log");
    return existsSync(log) ? readFileSync(log, "utf8").trim().slice(0, 1000) : "";
  }

  async kill(): Promise<void> {
    this.#parts.cgroup.kill();
    void this.#parts.minder.end();
    await this.#gone;
    await this.#parts.cgroup.emptied();
  }

  release(): Promise<void> {
    this.#released ??= this.#parts.release();
    return this.#released;
  }

  /** Nothing of a sandbox goes on without its minder: what the kernel does not see to is done here. */
  async #ended(): Promise<void> {
    if (!this.#parts.minder.isLost) return;
    this.socket.destroy();
    this.#parts.cgroup.kill();
    const deadline = performance.now() + KERNEL_MS;
    while (isAlive(this.#parts.pid) && performance.now() < deadline) await delay(LOOK_EVERY_MS);
  }

  /** The only child of the wall's process. */
  #agent(): number {
    this.#agentPid ??= children(this.#parts.pid)[0];
    if (this.#agentPid === undefined) throw new Error("the sandbox's agent has gone");
    return this.#agentPid;
  }

  /** The agent says which pid a process has inside; only a real child of it is accepted. */
  #hostPid(inside: number): number {
    for (const pid of children(this.#agent()).reverse()) if (this.#statusOfChild(pid, inside)) return pid;
    throw new ProcessEnded(inside);
  }

  /** `/proc/<pid>/status` of what is the agent's child by this name; undefined where it is not, or has gone. */
  #statusOfChild(pid: number, inside: number): string | undefined {
    let status: string;
    try {
      status = readFileSync(`/proc/${pid}/status`, "utf8");
    } catch {
      return undefined; // it has gone
    }
    const parent = Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]);
    const mapped = Number(/^NSpid:\s+\d+\s+(\d+)$/m.exec(status)?.[1]);
    return parent === this.#agent() && mapped === inside ? status : undefined;
  }
}

function cannotFork(): SandglassError {
  return new SandglassError(
    "UNSUPPORTED_ON_HOST",
    "sandboxes cannot be forked, compared or merged here: they have no disks of their own, or nothing stops their processes",
    { hint: "run the daemon as root, on a host with loop devices and a cgroup freezer (`sandglass doctor`)" },
  );
}
