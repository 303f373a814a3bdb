import { readFileSync } from "node:fs";
import { SandglassError } from "@sandglass/protocol";
import { Helper, HelperRefused } from "../host/helper.ts";
import { SubordinateIds } from "./subordinate-ids.ts";
import { type UserMapping, userMapping } from "./user-mapping.ts";

/**
 * Covered, in each sandbox's own mount namespace, by its tmpfs: a directory that every host has, that every uid can walk to, and in
 * which nothing of a template is.
 */
export const USER_MOUNT_POINT = "/sys/kernel";

/** Inodes of a disk in memory, for each MiB: as many as the disks have that root's sandboxes get, smaller ones and larger ones (mke2fs.conf(5)). */
const INODES_PER_MB = { small: 256, large: 64 };
const SMALL_MB = 512;

/** What a daemon that is not root makes its sandboxes with. */
export interface UserHost {
  mapping: UserMapping;
  uids: Pick<SubordinateIds, "take" | "release" | "close">;
}

/**
 * Starts the helper as root of a user namespace: with the ids that the administrator gave this user, else with the user's own alone.
 *
 * @throws SandglassError UNSUPPORTED_ON_HOST where the host forbids user namespaces, with what would allow them
 */
export async function startUserHelper(): Promise<UserHost & { helper: Helper }> {
  const mapping = userMapping();
  if (mapping.ids > 0) {
    try {
      const helper = await Helper.start(mapping.argv);
      return { helper, mapping, uids: new SubordinateIds({ first: mapping.first, count: mapping.ids }) };
    } catch (error) {
      if (!(error instanceof HelperRefused)) throw error;
      mapping.reason = `newuidmap does not work here (${error.message})`;
    }
  }
  try {
    const helper = await Helper.start([]);
    const single: UserMapping = { argv: [], ids: 0, first: 0, reason: mapping.reason ?? "" };
    return { helper, mapping: single, uids: { take: async () => 0, release: () => {}, close: () => {} } };
  } catch (error) {
    if (!(error instanceof HelperRefused)) throw error;
    throw new SandglassError(
      "UNSUPPORTED_ON_HOST",
      `the daemon is not root, and this host does not let it have a user namespace: it ${error.message}`,
      { hint: remedy(), cause: error },
    );
  }
}

/** Options of a tmpfs that is a sandbox's disk. */
export function memoryDisk(diskMb: number): string {
  const perMb = diskMb < SMALL_MB ? INODES_PER_MB.small : INODES_PER_MB.large;
  return `size=${diskMb}m,nr_inodes=${diskMb * perMb}`;
}

/** The setting that forbids it, of those that distributions have. */
function remedy(): string {
  if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === "1")
    return "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile with `userns,` for the helper (docs/install.md)";
  if (setting("/proc/sys/kernel/unprivileged_userns_clone") === "0")
    return "sysctl kernel.unprivileged_userns_clone=1";
  if (setting("/proc/sys/user/max_user_namespaces") === "0") return "sysctl user.max_user_namespaces=15000";
  return "allow user namespaces to this user (in a container: its seccomp profile), or start the daemon with sudo";
}

function setting(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined; // this kernel has no such setting
  }
}
