import type { DriverCreate } from "./driver.ts";

const NO_CAPABILITIES = { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] };

/** Files of /proc that tell of the host's kernel or steer it: an empty file, or an empty directory, is in their place. */
const MASKED = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
];
const READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

interface OciMount {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

/** What an OCI runtime is told apart from what is the same for both. */
export interface OciParts {
  /** Absolute, as the runtime sees it. */
  root: string;
  args: string[];
  mounts: OciMount[];
  namespaces: string[];
  rlimits?: { type: string; soft: number; hard: number }[];
  linux?: Record<string, unknown>;
  annotations?: Record<string, string>;
}

/** A sandbox in the words of the OCI runtime specification (config.json, 1.0.2). Limits are not in it: the host's groups hold them. */
export function ociSpec(parts: OciParts): string {
  return JSON.stringify({
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: parts.args,
      env: [],
      cwd: "/",
      capabilities: NO_CAPABILITIES,
      noNewPrivileges: true,
      ...(parts.rlimits === undefined ? {} : { rlimits: parts.rlimits }),
    },
    root: { path: parts.root, readonly: false },
    hostname: "sandbox",
    mounts: parts.mounts,
    ...(parts.annotations === undefined ? {} : { annotations: parts.annotations }),
    linux: {
      namespaces: parts.namespaces.map((type) => ({ type })),
      maskedPaths: MASKED,
      readonlyPaths: READ_ONLY,
      ...parts.linux,
    },
  });
}

/** The read-only directories and files of a template. @param sourceOf where the runtime finds them, by their position */
export function templateMounts(
  { mounts }: DriverCreate,
  sourceOf: (source: string, at: number) => string = (source) => source,
): OciMount[] {
  return mounts.map(({ source, target }, at) => ({
    destination: target,
    type: "bind",
    source: sourceOf(source, at),
    options: ["rbind", "ro", "nosuid", "nodev"],
  }));
}
