import { compileSeccomp } from "../host/seccomp.ts";
import { findProgram } from "./find-program.ts";
import { ociSpec, templateMounts } from "./oci-spec.ts";
import type { Wall } from "./wall.ts";

const NAMESPACES = ["pid", "ipc", "uts", "mount", "network", "user", "cgroup"];
/** crun asks programs that are set-uid root for its id map where it finds them. It needs none for the one id that a sandbox has. */
const NO_PROGRAMS = "PATH=/nonexistent";

/**
 * crun as an ordinary user, which the sandbox's own uid is: its user namespace has that one id. crun does nothing with control groups,
 * for the process that becomes it is in the sandbox's already.
 */
export function crunWall(): Wall {
  // The very program that bubblewrap gets: crun loads it as it is, which also saves it from compiling the list for each sandbox.
  const filter = { "run.oci.seccomp_bpf_data": compileSeccomp().toString("base64") };
  return {
    name: "crun",
    hasGuestKernel: false,
    root: "/",
    unenforced: [],
    remedy: "apt-get install crun",
    program: () => findProgram("crun"),
    hostPids: (maxPids) => maxPids,
    command: (request, { uid, mountPoint, agentPids }) => ({
      argv: [
        ...["/usr/bin/env", NO_PROGRAMS, findProgram("crun") ?? "crun"],
        // On the tmpfs that only this sandbox's mount namespace has: crun's state goes when the sandbox does.
        ...["--root", `${mountPoint}/c`, "--cgroup-manager=disabled", "run", "--preserve-fds=1"],
        ...["--bundle", mountPoint, "--config", "/proc/self/fd/4", "sandbox"],
      ],
      configuration: ociSpec({
        root: `${mountPoint}/r`,
        args: ["/run/sandglass/agent", ...(agentPids === undefined ? [] : ["--max-pids", String(agentPids)])],
        annotations: filter,
        namespaces: NAMESPACES,
        mounts: [
          { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
          tmpfs("/dev", "mode=755", "size=64k"),
          {
            destination: "/dev/pts",
            type: "devpts",
            source: "devpts",
            options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "max=64"],
          },
          tmpfs("/dev/shm", "mode=1777"),
          ...templateMounts(request),
        ],
        linux: {
          uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
          gidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
        },
      }),
    }),
  };
}

/** What is written to it counts as the sandbox's memory. */
function tmpfs(
  destination: string,
  ...options: string[]
): { destination: string; type: string; source: string; options: string[] } {
  return { destination, type: "tmpfs", source: "tmpfs", options: ["nosuid", ...options] };
}
