import type { DriverCreate } from "./driver.ts";
import { findProgram } from "./find-program.ts";
import type { Wall } from "./wall.ts";

/**
 * The default wall: bubblewrap with all namespaces, no capability and a seccomp filter. `/run/sandglass/agent` becomes process 1 and
 * holds the only way out: its socket.
 */
export function bubblewrapWall(): Wall {
  return {
    name: "bubblewrap",
    hasGuestKernel: false,
    root: "/",
    unenforced: [],
    remedy: "apt-get install bubblewrap",
    program: () => findProgram("bwrap"),
    hostPids: (maxPids) => maxPids,
    command: (request, { agentPids }) => ({
      argv: [
        ...[findProgram("bwrap") ?? "bwrap", ...bwrapArguments(request)],
        ...(agentPids === undefined ? [] : ["--max-pids", String(agentPids)]),
      ],
    }),
  };
}

/** Everything the sandbox is, in bubblewrap's own words. */
function bwrapArguments(request: DriverCreate): string[] {
  const mounts = request.mounts.flatMap(({ source, target }) => ["--ro-bind", source, target]);
  return [
    ...["--bind", "r", "/", "--proc", "/proc", "--dev", "/dev", "--dev-bind", "p", "/dev/pts", ...mounts],
    ...["--unshare-all", "--unshare-user", "--uid", "0", "--gid", "0", "--hostname", "sandbox"],
    ...[
      "--die-with-parent",
      "--new-session",
      "--as-pid-1",
      "--cap-drop",
      "ALL",
      "--clearenv",
      "--chdir",
      "/", // of /workspace the code inside may have made anything, which a fork has from its beginning
    ],
    ...["--seccomp", "4", "--", "/run/sandglass/agent"],
  ];
}
