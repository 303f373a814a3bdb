import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CgroupLayout, detectCgroups, makeGroup, weighGroup } from "../host/cgroup-layout.ts";
import { killGroup, removeGroup } from "../host/cgroup-removal.ts";
import { clearLeftovers } from "../host/clear-leftovers.ts";
import { delegatedCgroup } from "../host/delegated-cgroup.ts";
import { DiskImages } from "../host/disk.ts";
import { Helper } from "../host/helper.ts";
import { compileSeccomp } from "../host/seccomp.ts";
import { buildSkeleton } from "../host/skeleton.ts";
import { requireNative } from "../native.ts";
import { AgentListener } from "./agent-listener.ts";
import { HostUidRanges } from "./host-uid-ranges.ts";
import { Minders } from "./minders.ts";
import { startUserHelper, USER_MOUNT_POINT, type UserHost } from "./user-host.ts";

/**
 * Covered by each sandbox's own tmpfs in its own mount namespace; on the host it stays empty. Not below the data directory:
 * the sandbox's uid must be able to walk there, which a home directory does not allow.
 */
const MOUNT_POINT = "/run/sandglass/root";

export interface SandboxHostOptions {
  /** `<dataDir>`; `runtime/` and `sandboxes/` below it are taken. */
  dataDir: string;
  /** Directories that templates mount something on. */
  mountPoints: readonly string[];
  /** Control groups to use. Default: what there is for root, or what a user was given, whose group it then rearranges. */
  layout?: CgroupLayout;
}

/** What all sandboxes of a daemon are made with, whatever their wall: the helper, the disks, the uids, the control groups. */
export class SandboxHost {
  readonly layout: CgroupLayout;
  /** Relative to every hierarchy. */
  readonly cgroupRoot: string;
  readonly sandboxesDir: string;
  /** The filter of `seccomp-policy.ts` as a program for the kernel. */
  readonly seccompFile: string;
  readonly skeletonDir: string;
  readonly images: DiskImages;
  readonly mountPoint: string;
  readonly uids: { take(): number | Promise<number>; release(uid: number): void };
  /** Where the daemon is not root. */
  readonly user: UserHost | undefined;
  readonly listener: AgentListener;
  readonly minders: Minders;

  private constructor(
    dataDir: string,
    parts: {
      layout: CgroupLayout;
      cgroupRoot: string;
      listener: AgentListener;
      helper: Helper;
      user: UserHost | undefined;
      uids: SandboxHost["uids"];
    },
  ) {
    this.layout = parts.layout;
    this.cgroupRoot = parts.cgroupRoot;
    this.listener = parts.listener;
    this.sandboxesDir = join(dataDir, "sandboxes");
    this.seccompFile = join(dataDir, "runtime", "seccomp.bpf");
    this.skeletonDir = join(dataDir, "runtime", "skeleton");
    this.images = new DiskImages(join(dataDir, "runtime", "images"));
    this.user = parts.user;
    this.uids = parts.uids;
    this.mountPoint = parts.user === undefined ? MOUNT_POINT : USER_MOUNT_POINT;
    this.minders = new Minders(parts.listener, parts.helper, parts.user?.mapping.argv);
  }

  /** Clears what a crash left of an earlier run in the same data directory, then starts the helper. */
  static async start({ dataDir, mountPoints, ...given }: SandboxHostOptions): Promise<SandboxHost> {
    requireNative();
    const isRoot = process.getuid?.() === 0;
    const layout = given.layout ?? (isRoot ? detectCgroups() : delegatedCgroup());
    const runtimeDir = join(dataDir, "runtime");
    const cgroupRoot = `sandglass/${createHash("sha256").update(dataDir).digest("hex").slice(0, 12)}`;
    killGroup(layout, cgroupRoot);
    await mkdir(runtimeDir, { recursive: true, mode: 0o700 });
    const prepare = async (): Promise<void> => {
      if (isRoot) await mkdir(MOUNT_POINT, { recursive: true, mode: 0o711 });
      await writeFile(join(runtimeDir, "seccomp.bpf"), compileSeccomp(), { mode: 0o600 });
      buildSkeleton(join(runtimeDir, "skeleton"), mountPoints);
    };
    // A crash may have left hundreds of sandboxes: what waits for them to go does not wait for the rest.
    await Promise.all([clear(layout, cgroupRoot, join(dataDir, "sandboxes")), prepare()]);
    const listener = await AgentListener.start(join(runtimeDir, "agent.sock"));
    try {
      const user = isRoot ? undefined : await startUserHelper();
      const helper = user?.helper ?? (await Helper.start());
      const uids = user?.uids ?? hostUids();
      return new SandboxHost(dataDir, { layout, cgroupRoot, listener, helper, user, uids });
    } catch (error) {
      await listener.close();
      throw error;
    }
  }

  get hasDisks(): boolean {
    return this.user !== undefined || existsSync("/dev/loop-control");
  }

  get canPause(): boolean {
    return this.layout.unified !== undefined || this.layout.freezer !== undefined;
  }

  /** After the drivers' own: nothing of theirs may be left. */
  async close(): Promise<void> {
    await this.minders.close();
    await this.listener.close();
    this.user?.uids.close();
    await removeGroup(this.layout, this.cgroupRoot);
  }
}

/** Behind {@link clear}: no sandbox of an earlier daemon in the same data directory has an id of these any more. */
function hostUids(): HostUidRanges {
  const uids = new HostUidRanges();
  uids.removeAbandoned();
  return uids;
}

async function clear(layout: CgroupLayout, cgroupRoot: string, sandboxesDir: string): Promise<void> {
  await clearLeftovers(sandboxesDir, layout, cgroupRoot);
  await mkdir(sandboxesDir, { recursive: true, mode: 0o700 });
  makeGroup(layout, cgroupRoot);
  weighGroup(layout, cgroupRoot);
}
