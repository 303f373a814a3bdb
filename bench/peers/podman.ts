import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readlinkSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../measure/program.ts";
import { type Peer, PRINTED, PROGRAM } from "./peer.ts";
import { versionOf } from "./version-of.ts";

/** A container with the host's /usr, as our templates have: nothing is pulled, nothing of the host can be written. */
export const podman: Peer = {
  name: "podman run --rootfs",
  note: "container: crun, overlay, cgroups, no network",
  async start() {
    const version = await versionOf("podman");
    await using acquired = new AsyncDisposableStack();
    const dir = await mkdtemp(join(tmpdir(), "sandglass-bench-podman-"));
    acquired.defer(() => rm(dir, { recursive: true, force: true }));
    await makeRootfs(join(dir, "rootfs"));
    const { pid, holder } = await holdMounts();
    acquired.defer(() => end(holder));
    const argv = ["nsenter", `--mount=/proc/${pid}/ns/mnt`, ...podmanCommand(dir), ...PROGRAM];
    await runProgram(argv, PRINTED); // whether it works here at all
    const owned = acquired.move();
    return {
      version,
      run: async () => (await runProgram(argv, PRINTED)).totalMs,
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
};

function podmanCommand(dir: string): string[] {
  // Storage of its own: what podman keeps on this machine is not touched.
  const storage = [
    "--root",
    join(dir, "storage"),
    "--runroot",
    join(dir, "run"),
    "--tmpdir",
    join(dir, "tmp"),
  ];
  return [
    "podman",
    ...storage,
    // Without systemd there is nobody else to make cgroups, and with it this is the faster way.
    "--cgroup-manager=cgroupfs",
    ...["run", "--rm", "--network=none"],
    // Its defaults exceed what a root without CAP_SYS_RESOURCE may set.
    ...["--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096"],
    "--volume=/usr:/usr:ro",
    ...["--rootfs", `${join(dir, "rootfs")}:O`],
  ];
}

/** What is not /usr: empty directories, and the links that lead into /usr. */
async function makeRootfs(dir: string): Promise<void> {
  for (const name of ["usr", "etc", "proc", "dev", "sys", "tmp", "run", "var"])
    await mkdir(join(dir, name), { recursive: true });
  for (const name of ["bin", "sbin", "lib", "lib64"])
    if (existsSync(`/${name}`)) await symlink(readlinkSync(`/${name}`), join(dir, name));
}

/**
 * A mount namespace for podman's runs. Its mounts end with it, and on a host with both cgroup versions crun refuses to work
 * unless the empty v2 hierarchy is out of sight, which must not be done to the host. Entering costs about a millisecond.
 */
async function holdMounts(): Promise<{ pid: number; holder: ChildProcess }> {
  const script = `
    if [ -e /sys/fs/cgroup/unified/cgroup.controllers ]; then umount /sys/fs/cgroup/unified || exit 1; fi
    echo ready
    exec cat`;
  const holder = spawn("unshare", ["--mount", "--propagation=slave", "sh", "-c", script], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const failed = once(holder, "exit").then(([code]) => {
    throw new Error(`a mount namespace for podman could not be made (${code})`);
  });
  await Promise.race([once(holder.stdout, "data"), failed]);
  failed.catch(() => {}); // it ends when it is told to
  return { pid: holder.pid!, holder };
}

/** Its end of input is its end. */
async function end(holder: ChildProcess): Promise<void> {
  const exited = once(holder, "exit");
  holder.stdin?.end();
  await exited;
}
