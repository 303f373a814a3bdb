import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Check, UnenforcedLimit } from "@sandglass/protocol";
import { SandglassError } from "@sandglass/protocol";
import { type CgroupLayout, detectCgroups, makeGroup, weighGroup } from "../host/cgroup-layout.ts";
import { killGroup, removeGroup } from "../host/cgroup-removal.ts";
import { SandboxCgroup } from "../host/cgroups.ts";
import { hostChecks, unenforcedLimits } from "../host/checks.ts";
import { DiskImages } from "../host/disk.ts";
import { Helper, type HelperCreate } from "../host/helper.ts";
import { compileSeccomp } from "../host/seccomp.ts";
import { buildSkeleton } from "../host/skeleton.ts";
import { requireNative } from "../native.ts";
import { AgentListener } from "./agent-listener.ts";
import { BubblewrapSandbox } from "./bubblewrap-sandbox.ts";
import type { DriverCapabilities, DriverCreate, DriverSandbox, SandboxDriver } from "./driver.ts";
import { UidRanges } from "./uid-ranges.ts";

const BWRAP = "/usr/bin/bwrap";
/**
 * Covered by each sandbox's own tmpfs in its own mount namespace; on the host it stays empty. Not below the data directory:
 * the sandbox's uid must be able to walk there, which a home directory does not allow.
 */
const MOUNT_POINT = "/run/sandglass/root";

export interface BubblewrapOptions {
  /** `<dataDir>`; the driver owns `runtime/` and `sandboxes/` below it. */
  dataDir: string;
  /** Directories that templates mount something on. */
  mountPoints: readonly string[];
}

/**
 * The default driver: bubblewrap with all namespaces, no capability, a seccomp filter, a uid range and a disk of each sandbox's own,
 * and control groups around it. Two overlays make the root: the skeleton and the host's `/usr` below, the sandbox's disk above.
 */
export class BubblewrapDriver implements SandboxDriver {
  readonly name = "bubblewrap";
  readonly capabilities: DriverCapabilities;
  readonly unenforced: readonly UnenforcedLimit[];
  readonly #runtimeDir: string;
  readonly #sandboxesDir: string;
  readonly #layout: CgroupLayout;
  readonly #cgroupRoot: string;
  readonly #images: DiskImages;
  readonly #uids = new UidRanges();
  #helper: Helper;
  readonly #listener: AgentListener;
  readonly #live = new Set<BubblewrapSandbox>();

  private constructor(parts: {
    options: BubblewrapOptions;
    layout: CgroupLayout;
    helper: Helper;
    listener: AgentListener;
    cgroupRoot: string;
  }) {
    this.#runtimeDir = join(parts.options.dataDir, "runtime");
    this.#sandboxesDir = join(parts.options.dataDir, "sandboxes");
    this.#layout = parts.layout;
    this.#cgroupRoot = parts.cgroupRoot;
    this.#helper = parts.helper;
    this.#helper.onLost = () => void this.#restartHelper();
    this.#listener = parts.listener;
    this.#images = new DiskImages(join(this.#runtimeDir, "images"));
    this.unenforced = unenforcedLimits(parts.layout);
    this.capabilities = {
      canPause: parts.layout.unified !== undefined || parts.layout.freezer !== undefined,
      hasDiskLimit: !this.unenforced.some((limit) => limit.limit === "diskMb"),
      hasWritableUsr: true,
    };
  }

  /** Clears what a crash left of an earlier run in the same data directory, then starts the helper. */
  static async start(options: BubblewrapOptions): Promise<BubblewrapDriver> {
    requireNative();
    if (!existsSync(BWRAP)) {
      throw new SandglassError("UNSUPPORTED_ON_HOST", `${BWRAP} is not there`, {
        hint: "apt-get install bubblewrap",
      });
    }
    if (process.getuid?.() !== 0) {
      throw new SandglassError(
        "UNSUPPORTED_ON_HOST",
        "the bubblewrap driver needs root: it mounts disks and sets control groups",
        {
          hint: "start the daemon with sudo; sandboxes themselves never run as root",
        },
      );
    }
    const layout = detectCgroups();
    const runtimeDir = join(options.dataDir, "runtime");
    const cgroupRoot = `sandglass/${createHash("sha256").update(options.dataDir).digest("hex").slice(0, 12)}`;
    killGroup(layout, cgroupRoot);
    await removeGroup(layout, cgroupRoot);
    makeGroup(layout, cgroupRoot);
    weighGroup(layout, cgroupRoot);
    await rm(join(options.dataDir, "sandboxes"), { recursive: true, force: true });
    await mkdir(MOUNT_POINT, { recursive: true, mode: 0o711 });
    await mkdir(runtimeDir, { recursive: true, mode: 0o700 });
    await mkdir(join(options.dataDir, "sandboxes"), { recursive: true, mode: 0o700 });
    await writeFile(join(runtimeDir, "seccomp.bpf"), compileSeccomp(), { mode: 0o600 });
    await buildSkeleton(join(runtimeDir, "skeleton"), options.mountPoints);
    const listener = await AgentListener.start(join(runtimeDir, "agent.sock"));
    const helper = await Helper.start();
    return new BubblewrapDriver({ options, layout, helper, listener, cgroupRoot });
  }

  async create(request: DriverCreate): Promise<DriverSandbox> {
    const started = performance.now();
    const uid = this.#uids.take();
    const dir = join(this.#sandboxesDir, request.id);
    const token = randomBytes(16).toString("hex");
    let cgroup: SandboxCgroup | undefined;
    let onGone: () => void = () => {};
    const gone = new Promise<void>((resolve) => {
      onGone = resolve;
    });
    let pid: number | undefined;
    // The uid last: nobody else may have it while anything of this sandbox is left.
    const giveBack = async (): Promise<void> => {
      await Promise.all([cgroup?.remove(), rm(dir, { recursive: true, force: true })]);
      this.#uids.release(uid);
    };
    const connected = this.#listener.expect(token);
    try {
      cgroup = new SandboxCgroup(this.#layout, `${this.#cgroupRoot}/${request.id}`);
      cgroup.setLimits(request.limits);
      await mkdir(dir, { mode: 0o700 });
      const image = this.capabilities.hasDiskLimit ? await this.#images.get(request.limits.diskMb) : "";
      if (image === "") await mkdir(join(dir, "upper"));
      const spec = this.#helperCreate(request, { image, dir, uid, token, cgroups: cgroup.agentDirs });
      pid = await this.#helper.create(spec, () => onGone());
      const bootMs = performance.now() - started;
      const socket = await Promise.race([connected, gone.then(() => undefined)]);
      if (socket === undefined) {
        const said = (await readFile(join(dir, "bwrap.log"), "utf8").catch(() => "")).trim().slice(0, 1000);
        throw new SandglassError(
          "DRIVER_ERROR",
          `the sandbox did not come up: ${said || "it ended before it connected"}`,
          {
            hint: "run `sandglass doctor`",
          },
        );
      }
      const sandbox = new BubblewrapSandbox({
        id: request.id,
        pid,
        gone,
        socket,
        cgroup,
        dir,
        helper: this.#helper,
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
      this.#listener.forget(token);
      connected.then(
        (socket) => socket.destroy(),
        () => {}, // it never came
      );
      this.#helper.kill(request.id);
      if (pid !== undefined) await gone;
      await giveBack();
      throw error;
    }
  }

  #helperCreate(
    request: DriverCreate,
    own: { image: string; dir: string; uid: number; token: string; cgroups: string[] },
  ): HelperCreate {
    return {
      id: request.id,
      mountPoint: MOUNT_POINT,
      image: own.image,
      disk: join(own.dir, own.image === "" ? "upper" : "disk.ext4"),
      skeleton: join(this.#runtimeDir, "skeleton"),
      usr: "/usr",
      uid: own.uid,
      idmap: true,
      socket: this.#listener.path,
      hello: own.token,
      seccomp: join(this.#runtimeDir, "seccomp.bpf"),
      oomScore: -900,
      log: join(own.dir, "bwrap.log"),
      cgroups: own.cgroups,
      argv: bwrapArguments(request),
    };
  }

  checks(): Promise<Check[]> {
    return hostChecks(this.#layout);
  }

  /** With the helper its sandboxes are gone: the kernel saw to that, and each says so by itself. New ones need a new helper. */
  async #restartHelper(): Promise<void> {
    process.emitWarning("the native helper went away and is started again", { code: "SANDGLASS_HELPER" });
    try {
      this.#helper = await Helper.start();
      this.#helper.onLost = () => void this.#restartHelper();
    } catch (error) {
      process.emitWarning(`the native helper cannot be started: ${(error as Error).message}`, {
        code: "SANDGLASS_HELPER",
      });
    }
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#live].map(async (sandbox) => {
        await sandbox.kill();
        await sandbox.release();
      }),
    );
    await this.#helper.close();
    await this.#listener.close();
    await removeGroup(this.#layout, this.#cgroupRoot);
  }
}

/** Everything the sandbox is, in bubblewrap's own words. `/run/sandglass/agent` becomes process 1 and holds the only way out: its socket. */
function bwrapArguments(request: DriverCreate): string[] {
  const mounts = request.mounts.flatMap(({ source, target }) => ["--ro-bind", source, target]);
  return [
    BWRAP,
    ...["--bind", "r", "/", "--proc", "/proc", "--dev", "/dev", ...mounts],
    ...["--unshare-all", "--unshare-user", "--uid", "0", "--gid", "0", "--hostname", "sandbox"],
    ...[
      "--die-with-parent",
      "--new-session",
      "--as-pid-1",
      "--cap-drop",
      "ALL",
      "--clearenv",
      "--chdir",
      "/workspace",
    ],
    ...["--seccomp", "4", "--", "/run/sandglass/agent"],
  ];
}
