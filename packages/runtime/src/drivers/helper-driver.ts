import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Isolation, SandboxLimits, UnenforcedLimit } from "@sandglass/protocol";
import { SandglassError } from "@sandglass/protocol";
import type { CgroupLayout } from "../host/cgroup-layout.ts";
import { SandboxCgroup } from "../host/cgroups.ts";
import { unenforcedLimits } from "../host/checks.ts";
import { MINDER_LOST, type MinderCreate } from "../host/minder.ts";
import type { DriverCapabilities, DriverCreate, DriverSandbox, SandboxDriver } from "./driver.ts";
import { HelperSandbox } from "./helper-sandbox.ts";
import type { SandboxHost } from "./sandbox-host.ts";
import { memoryDisk } from "./user-host.ts";
import type { Wall } from "./wall.ts";

const DISK = "disk.ext4";
const COPY_TIMEOUT_MS = 600_000;

/**
 * A driver whose sandboxes the native helper makes, around any wall: a disk and a uid range of each sandbox's own, two overlays for
 * its root (the skeleton and the host's `/usr` below, the sandbox's disk above), and control groups around all of it.
 */
export class HelperDriver implements SandboxDriver {
  readonly name: Isolation;
  readonly capabilities: DriverCapabilities;
  readonly unenforced: readonly UnenforcedLimit[];
  readonly #host: SandboxHost;
  readonly #wall: Wall;
  readonly #live = new Set<HelperSandbox>();

  constructor(host: SandboxHost, wall: Wall) {
    this.#host = host;
    this.#wall = wall;
    this.name = wall.name;
    const missing = unenforcedLimits(host.layout, host.user !== undefined);
    this.unenforced = [
      ...missing,
      ...wall.unenforced.filter(({ limit }) => !missing.some((other) => other.limit === limit)),
    ];
    this.capabilities = {
      canPause: host.canPause,
      canFork: host.canPause && host.hasDisks && host.user === undefined,
      hasDiskLimit: host.hasDisks,
      hasWritableUsr: host.user === undefined,
      hasOwnUsers: host.user === undefined || host.user.mapping.ids > 0,
      hasGuestKernel: wall.hasGuestKernel,
    };
  }

  async create(request: DriverCreate): Promise<DriverSandbox> {
    if (this.#wall.program() === undefined) throw missingProgram(this.#wall);
    const host = this.#host;
    const started = performance.now();
    const uid = await host.uids.take();
    const dir = join(host.sandboxesDir, request.id);
    const token = randomBytes(16).toString("hex");
    let cgroup: SandboxCgroup | undefined;
    let disk: FileHandle | undefined;
    // The uid last: nobody else may have it while anything of this sandbox is left.
    const giveBack = async (): Promise<void> => {
      await Promise.all([cgroup?.remove(), disk?.close(), rm(dir, { recursive: true, force: true })]);
      host.uids.release(uid);
    };
    const connected = host.listener.expect(token, "the sandbox's agent");
    // Beside what else it needs.
    const minding = host.minders.take();
    minding.catch(() => {}); // awaited below, unless something else fails first
    try {
      cgroup = new SandboxCgroup(host.layout, `${host.cgroupRoot}/${request.id}`);
      cgroup.setLimits(this.#hostLimits(request.limits));
      await mkdir(dir, { mode: 0o700 });
      const hasImage = this.capabilities.hasDiskLimit && host.user === undefined;
      let image = hasImage ? await host.images.get(request.limits.diskMb) : "";
      if (image === "") await mkdir(join(dir, "upper"));
      else {
        const path = join(dir, DISK);
        if (request.snapshot !== undefined) {
          await request.snapshot.give(path, AbortSignal.timeout(COPY_TIMEOUT_MS));
          image = path;
        }
        // Open for as long as the sandbox lives, for copies of it: once it is mounted it has no name.
        disk = await open(path, "a+", 0o600);
      }
      const spec = await this.#minderCreate(request, { image, dir, uid, token, cgroups: cgroup.agentDirs });
      const minder = await minding;
      const pid = await minder.create(spec);
      const bootMs = performance.now() - started;
      const socket = await Promise.race([connected, minder.ended.then(() => undefined)]);
      if (socket === undefined) {
        const said = (await readFile(spec.log, "utf8").catch(() => "")).trim().slice(0, 1000);
        throw new SandglassError(
          "DRIVER_ERROR",
          `the sandbox did not come up: ${said || (minder.isLost ? MINDER_LOST : "it ended before it connected")}`,
          { hint: "run `sandglass doctor`" },
        );
      }
      const sandbox = new HelperSandbox({
        pid,
        hasGuestKernel: this.#wall.hasGuestKernel,
        root: this.#wall.root,
        hasFixedPids: this.#wall.hasGuestKernel || this.#agentPids(request.limits) !== undefined,
        maxPids: request.limits.maxPids,
        isUser: host.user !== undefined,
        canSeeFiles: host.user === undefined || host.user.mapping.ids === 0,
        isCounted: host.user === undefined || hasControllers(host.layout),
        toHostLimits: (limits) => this.#hostLimits(limits),
        minder,
        socket,
        cgroup,
        dir,
        disk,
        disksDir: host.sandboxesDir,
        mountPoint: host.mountPoint,
        canFork: this.capabilities.canFork,
        bootMs,
        connectMs: performance.now() - started - bootMs,
        release: async () => {
          this.#live.delete(sandbox);
          await giveBack();
        },
      });
      this.#live.add(sandbox);
      return sandbox;
    } catch (error) {
      host.listener.forget(token);
      connected.then(
        (socket) => socket.destroy(),
        () => {}, // it never came
      );
      // It has ended what it began before anything is given back.
      const minder = await minding.catch(() => undefined); // there was none
      await minder?.end();
      if (minder?.isLost) cgroup?.kill();
      await giveBack();
      throw error;
    }
  }

  /** Every sandbox it still has is killed. The host that it runs on is closed by whoever started it. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#live].map(async (sandbox) => {
        await sandbox.kill();
        await sandbox.release();
      }),
    );
  }

  #hostLimits(limits: SandboxLimits): SandboxLimits {
    return { ...limits, maxPids: this.#wall.hostPids(limits.maxPids) };
  }

  /** Where no control group counts them; a guest's kernel holds its own to them. */
  #agentPids({ maxPids }: SandboxLimits): number | undefined {
    const { user, layout } = this.#host;
    const isCounted =
      user === undefined || layout.controllers.pids !== undefined || this.#wall.hasGuestKernel;
    return isCounted ? undefined : maxPids;
  }

  async #minderCreate(
    request: DriverCreate,
    own: { image: string; dir: string; uid: number; token: string; cgroups: string[] },
  ): Promise<MinderCreate> {
    const host = this.#host;
    const { argv, configuration } = this.#wall.command(request, {
      uid: own.uid,
      mountPoint: host.mountPoint,
      maxPids: request.limits.maxPids,
      agentPids: this.#agentPids(request.limits),
    });
    const file = configuration === undefined ? host.seccompFile : join(own.dir, "config.json");
    // Opened by root, and once more through the descriptor by the sandbox's uid, which cannot walk to it.
    if (configuration !== undefined) await writeFile(file, configuration, { mode: 0o644 });
    return {
      mountPoint: host.mountPoint,
      image: own.image,
      disk: join(own.dir, own.image === "" ? "upper" : DISK),
      skeleton: host.skeletonDir,
      usr: "/usr",
      uid: own.uid,
      idmap: host.user === undefined,
      memoryDisk: host.user && memoryDisk(request.limits.diskMb),
      socket: host.listener.path,
      hello: own.token,
      file,
      // A user cannot have the agent spared: it is chosen as what it starts is, before anything of the host.
      oomScore: host.user === undefined ? -900 : 100,
      log: join(own.dir, "wall.log"),
      cgroups: own.cgroups,
      argv,
    };
  }
}

function hasControllers({ controllers }: CgroupLayout): boolean {
  return controllers.memory !== undefined && controllers.pids !== undefined;
}

/** UNSUPPORTED_ON_HOST with what to do about it. */
export function missingProgram({ name, remedy }: Wall): SandglassError {
  return new SandglassError("UNSUPPORTED_ON_HOST", `isolation "${name}" is not available on this host`, {
    hint: remedy,
  });
}
