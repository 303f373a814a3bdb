import { existsSync, readFileSync, statfsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { SandboxLimits } from "@sandglass/protocol";
import type { SocketHandle } from "../collector.ts";
import type { SandboxCgroup } from "../host/cgroups.ts";
import type { ExecCgroup } from "../host/exec-cgroup.ts";
import { NotYet } from "../host/handed-sockets.ts";
import type { Helper } from "../host/helper.ts";
import type { SandboxUsage } from "../host/sandbox-counts.ts";
import { type ConnectingSocket, socketOwners } from "../host/socket-owners.ts";
import type { DriverSandbox } from "./driver.ts";

/** What runs in a sandbox is chosen by the OOM killer before anything of the host. */
const OOM_SCORE = "100";
/** bubblewrap makes the network some milliseconds after it has begun. */
const LOOK_EVERY_MS = 1;

interface Parts {
  id: string;
  /** bubblewrap's own process, outside; its child is the agent. */
  pid: number;
  gone: Promise<void>;
  socket: Socket;
  cgroup: SandboxCgroup;
  dir: string;
  helper: Helper;
  bootMs: number;
  connectMs: number;
  release(): Promise<void>;
}

function children(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}

/** One sandbox of the bubblewrap driver. */
export class BubblewrapSandbox implements DriverSandbox {
  readonly socket: Socket;
  readonly bootMs: number;
  readonly connectMs: number;
  readonly #parts: Parts;
  #agentPid: number | undefined;
  #released: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.socket = parts.socket;
    this.bootMs = parts.bootMs;
    this.connectMs = parts.connectMs;
  }

  onExit(callback: () => void): void {
    void this.#parts.gone.then(callback);
  }

  setLimits(limits: SandboxLimits): void {
    this.#parts.cgroup.setLimits(limits);
  }

  async attach(name: string, pid: number): Promise<ExecCgroup> {
    const hostPid = this.#hostPid(pid);
    const group = this.#parts.cgroup.makeExec(name);
    await group.attach(hostPid);
    // By root, so that nothing this process starts can ever go below it and outlive its host in a shortage of memory.
    await writeFile(`/proc/${hostPid}/oom_score_adj`, OOM_SCORE);
    if (!this.#isChild(hostPid, pid)) {
      group.tryRemove();
      throw new Error(`process ${pid} of the sandbox ended before it was placed`);
    }
    return group;
  }

  async listen(ports: readonly number[]): Promise<SocketHandle[]> {
    // Ends with the sandbox at the latest: then the helper knows it no more, and says so.
    for (;;) {
      try {
        return await this.#parts.helper.listen(this.#parts.id, ports);
      } catch (error) {
        if (!(error instanceof NotYet)) throw error;
      }
      await delay(LOOK_EVERY_MS);
    }
  }

  async ownersOf(sockets: readonly ConnectingSocket[]): Promise<(string | undefined)[]> {
    return socketOwners(this.#agent(), this.#parts.cgroup.execGroups(), sockets);
  }

  freeze(isFrozen: boolean): Promise<void> {
    return this.#parts.cgroup.freeze(isFrozen);
  }

  usage(): SandboxUsage {
    return this.#parts.cgroup.usage();
  }

  disk(): { freeBytes: number; sizeBytes: number } | undefined {
    try {
      // "/" itself, which is the kernel's link: any path below it is the sandbox's to bend.
      const stat = statfsSync(`/proc/${this.#agent()}/root/`);
      return { freeBytes: stat.bavail * stat.bsize, sizeBytes: stat.blocks * stat.bsize };
    } catch {
      return undefined; // it has gone, and its end will say so
    }
  }

  diagnosis(): string {
    const log = join(this.#parts.dir, "bwrap.log");
    return existsSync(log) ? readFileSync(log, "utf8").trim().slice(0, 1000) : "";
  }

  async kill(): Promise<void> {
    this.#parts.cgroup.kill();
    this.#parts.helper.kill(this.#parts.id);
    await this.#parts.gone;
    await this.#parts.cgroup.emptied();
  }

  release(): Promise<void> {
    this.#released ??= this.#parts.release();
    return this.#released;
  }

  /** The agent is bubblewrap's only child. */
  #agent(): number {
    this.#agentPid ??= children(this.#parts.pid)[0];
    if (this.#agentPid === undefined) throw new Error("the sandbox's agent has gone");
    return this.#agentPid;
  }

  /** The agent says which pid a process has inside; only a real child of it is accepted. */
  #hostPid(inside: number): number {
    for (const pid of children(this.#agent()).reverse()) if (this.#isChild(pid, inside)) return pid;
    throw new Error(`the agent named process ${inside}, which is not a child of it`);
  }

  #isChild(pid: number, inside: number): boolean {
    let status: string;
    try {
      status = readFileSync(`/proc/${pid}/status`, "utf8");
    } catch {
      return false; // it has gone
    }
    const parent = Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]);
    const mapped = Number(/^NSpid:\s+\d+\s+(\d+)$/m.exec(status)?.[1]);
    return parent === this.#agent() && mapped === inside;
  }
}
