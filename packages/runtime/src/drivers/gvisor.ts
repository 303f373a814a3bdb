import { GUEST_FILTER } from "../host/skeleton.ts";
import { findProgram } from "./find-program.ts";
import { ociSpec, templateMounts } from "./oci-spec.ts";
import type { Wall } from "./wall.ts";

/** How gVisor catches system calls: `systrap` is quicker, and is not in versions before 2023. */
export type GvisorPlatform = "systrap" | "ptrace";

/**
 * gVisor keeps threads of its own, and processes of the host for each that the guest has, those of ended ones for a while: a fork bomb that
 * stays within its limit takes twelve for each. A ceiling for all of them, so that no guest takes the host's; gVisor ends where it meets it.
 */
const OWN_THREADS = 1024;
const THREADS_EACH = 16;

/** What the host put into the sandbox: the agent, the filter, the interpreters' programs. */
const OWN = "/run/sandglass";

/**
 * gVisor's kernel, inside bubblewrap's namespaces. The outer wall gives it what it would need root for (a user, a network with only a
 * loopback, a pid namespace with which all of it dies) and shows it of the host nothing but its own program and the sandbox's root. gVisor
 * uses that network as if it were the host's (`--network=host`), so that what the host opened there answers inside.
 */
export function gvisorWall(platform: GvisorPlatform): Wall {
  return {
    name: "gvisor",
    hasGuestKernel: true,
    root: "/r/",
    unenforced: [],
    remedy: "apt-get install runsc (or gvisor.dev/docs/user_guide/install)",
    program: () => (findProgram("bwrap") === undefined ? undefined : findProgram("runsc")),
    hostPids: (maxPids) => maxPids * THREADS_EACH + OWN_THREADS,
    command: (request, { maxPids }) => ({
      // The agent's line becomes stdin: of all descriptors gVisor takes the three streams along.
      argv: [
        "/bin/sh",
        "-c",
        'exec "$@" <&3 3<&-',
        "sh",
        ...outerArguments(request),
        ...runscArguments(platform),
      ],
      configuration: ociSpec({
        root: "/r",
        args: ["/run/sandglass/agent", GUEST_FILTER],
        // Everything in the guest is one user's, which has no capability to go beyond: gVisor counts that user's threads.
        rlimits: [{ type: "RLIMIT_NPROC", soft: maxPids, hard: maxPids }],
        namespaces: ["pid", "ipc", "uts", "mount"],
        mounts: [
          { destination: "/proc", type: "proc", source: "proc", options: [] },
          // Else gVisor puts a tmpfs of its own there, and what is written to /tmp counts as memory.
          { destination: "/tmp", type: "bind", source: "/r/tmp", options: ["rbind", "rw"] },
          // gVisor lets a program that runs be written to, the agent's too.
          { destination: OWN, type: "bind", source: `/r${OWN}`, options: ["rbind", "ro"] },
          ...templateMounts(request, (_, at) => `/m/${at}`),
        ],
      }),
    }),
  };
}

function outerArguments({ mounts }: { mounts: readonly { source: string }[] }): string[] {
  return [
    findProgram("bwrap") ?? "bwrap",
    ...["--ro-bind", findProgram("runsc") ?? "runsc", "/runsc", "--proc", "/proc", "--dev", "/dev"],
    ...["--tmpfs", "/tmp", "--dir", "/s", "--dir", "/b", "--ro-bind-data", "4", "/b/config.json"],
    ...["--bind", "r", "/r", ...mounts.flatMap(({ source }, at) => ["--ro-bind", source, `/m/${at}`])],
    ...["--unshare-all", "--unshare-user", "--uid", "0", "--gid", "0", "--hostname", "sandbox"],
    // Over what is in these namespaces alone; gVisor's kernel gives all but a few up, and its guest has none.
    ...["--cap-add", "ALL", "--die-with-parent", "--new-session", "--as-pid-1", "--clearenv", "--chdir", "/"],
    "--",
  ];
}

function runscArguments(platform: GvisorPlatform): string[] {
  return [
    ...["/runsc", "--root", "/s", `--platform=${platform}`, "--network=host", "--ignore-cgroups"],
    // The sandbox's disk below is what limits it: no layer of gVisor's own in memory over it.
    ...["--overlay2=none", "run", "--bundle", "/b", "sandbox"],
  ];
}
