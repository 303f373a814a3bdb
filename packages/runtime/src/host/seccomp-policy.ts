/**
 * What code in a sandbox may not ask of the kernel, one line of reason each; `seccomp-arguments.ts` has the calls that are refused for
 * some of their arguments. Everything else up to {@link LAST_REVIEWED_CALL} is allowed: what is left out here either needs a capability
 * that no sandbox has, or is confined by the namespaces. Numbers: Linux `asm/unistd_64.h` (x86-64) and `asm-generic/unistd.h` (arm64);
 * -1 where the architecture has none.
 */
export interface DeniedCall {
  name: string;
  x64: number;
  arm64: number;
  reason: string;
  /** EPERM unless given. ENOSYS makes libc fall back to an older call. */
  errno?: "ENOSYS";
}

export const DENIED_CALLS: readonly DeniedCall[] = [
  {
    name: "clone3",
    x64: 435,
    arm64: 435,
    reason: "its flags are behind a pointer that a filter cannot read; libc falls back to clone",
    errno: "ENOSYS",
  },
  {
    name: "unshare",
    x64: 272,
    arm64: 97,
    reason: "new namespaces open kernel code that only root could reach",
  },
  { name: "setns", x64: 308, arm64: 268, reason: "enters other namespaces" },
  { name: "mount", x64: 165, arm64: 40, reason: "changes the file tree" },
  { name: "umount2", x64: 166, arm64: 39, reason: "uncovers what is mounted over" },
  { name: "pivot_root", x64: 155, arm64: 41, reason: "changes the root" },
  { name: "chroot", x64: 161, arm64: 51, reason: "changes the root" },
  { name: "open_tree", x64: 428, arm64: 428, reason: "new mount interface" },
  { name: "move_mount", x64: 429, arm64: 429, reason: "new mount interface" },
  { name: "fsopen", x64: 430, arm64: 430, reason: "new mount interface" },
  { name: "fsconfig", x64: 431, arm64: 431, reason: "new mount interface" },
  { name: "fsmount", x64: 432, arm64: 432, reason: "new mount interface" },
  { name: "fspick", x64: 433, arm64: 433, reason: "new mount interface" },
  { name: "open_tree_attr", x64: 467, arm64: 467, reason: "new mount interface" },
  { name: "mount_setattr", x64: 442, arm64: 442, reason: "new mount interface" },
  { name: "ptrace", x64: 101, arm64: 117, reason: "reads and steers other processes" },
  { name: "process_vm_readv", x64: 310, arm64: 270, reason: "reads other processes' memory" },
  { name: "process_vm_writev", x64: 311, arm64: 271, reason: "writes other processes' memory" },
  { name: "process_madvise", x64: 440, arm64: 440, reason: "steers other processes' memory" },
  { name: "pidfd_getfd", x64: 438, arm64: 438, reason: "takes other processes' descriptors" },
  { name: "kcmp", x64: 312, arm64: 272, reason: "leaks kernel addresses' order" },
  { name: "bpf", x64: 321, arm64: 280, reason: "loads programs into the kernel" },
  { name: "perf_event_open", x64: 298, arm64: 241, reason: "large attack surface, side channels" },
  {
    name: "userfaultfd",
    x64: 323,
    arm64: 282,
    reason: "stops the kernel in the middle of a copy: the tool of most races",
  },
  {
    name: "io_uring_setup",
    x64: 425,
    arm64: 425,
    reason: "large attack surface; its operations pass no filter",
  },
  { name: "io_uring_enter", x64: 426, arm64: 426, reason: "as io_uring_setup" },
  { name: "io_uring_register", x64: 427, arm64: 427, reason: "as io_uring_setup" },
  { name: "add_key", x64: 248, arm64: 217, reason: "kernel keyrings are not namespaced by user alone" },
  { name: "request_key", x64: 249, arm64: 218, reason: "as add_key; calls out to user space" },
  { name: "keyctl", x64: 250, arm64: 219, reason: "as add_key" },
  { name: "open_by_handle_at", x64: 304, arm64: 265, reason: "opens files past every directory" },
  { name: "name_to_handle_at", x64: 303, arm64: 264, reason: "names files for open_by_handle_at" },
  { name: "init_module", x64: 175, arm64: 105, reason: "loads kernel modules" },
  { name: "finit_module", x64: 313, arm64: 273, reason: "loads kernel modules" },
  { name: "delete_module", x64: 176, arm64: 106, reason: "unloads kernel modules" },
  { name: "kexec_load", x64: 246, arm64: 104, reason: "replaces the kernel" },
  { name: "kexec_file_load", x64: 320, arm64: 294, reason: "replaces the kernel" },
  { name: "reboot", x64: 169, arm64: 142, reason: "stops the machine" },
  { name: "swapon", x64: 167, arm64: 224, reason: "host administration" },
  { name: "swapoff", x64: 168, arm64: 225, reason: "host administration" },
  { name: "acct", x64: 163, arm64: 89, reason: "host administration" },
  { name: "quotactl", x64: 179, arm64: 60, reason: "host administration" },
  { name: "quotactl_fd", x64: 443, arm64: 443, reason: "host administration" },
  { name: "syslog", x64: 103, arm64: 116, reason: "the kernel's log shows the host" },
  { name: "settimeofday", x64: 164, arm64: 170, reason: "host clock" },
  { name: "clock_settime", x64: 227, arm64: 112, reason: "host clock" },
  { name: "adjtimex", x64: 159, arm64: 171, reason: "host clock" },
  { name: "clock_adjtime", x64: 305, arm64: 266, reason: "host clock" },
  { name: "iopl", x64: 172, arm64: -1, reason: "direct access to hardware" },
  { name: "ioperm", x64: 173, arm64: -1, reason: "direct access to hardware" },
  { name: "lookup_dcookie", x64: 212, arm64: 18, reason: "profiling interface, kernel addresses" },
  { name: "nfsservctl", x64: 180, arm64: 42, reason: "long obsolete" },
  { name: "vhangup", x64: 153, arm64: 58, reason: "host terminals" },
  { name: "move_pages", x64: 279, arm64: 239, reason: "steers other processes' memory" },
  { name: "migrate_pages", x64: 256, arm64: 238, reason: "steers other processes' memory" },
  { name: "fanotify_init", x64: 300, arm64: 262, reason: "watches whole file systems" },
  {
    name: "io_setup",
    x64: 206,
    arm64: 0,
    reason: "fs.aio-max-nr is one count for the whole host; programs fall back, as on a kernel without it",
    errno: "ENOSYS",
  },
  { name: "uselib", x64: 134, arm64: -1, reason: "long obsolete, and wrong in every way it could be" },
  { name: "ustat", x64: 136, arm64: -1, reason: "names file systems by device, those of the host too" },
  { name: "sysfs", x64: 139, arm64: -1, reason: "long obsolete" },
];

/**
 * Every call up to this number has been looked at (Linux 6.18: file_setattr). What a later kernel brings answers ENOSYS, as on the
 * kernel before it, until somebody has looked at it as well: libc and programs fall back.
 */
export const LAST_REVIEWED_CALL = 469;

/** `clone` with any of these flags is refused: every namespace flag of `linux/sched.h` but CLONE_NEWTIME, whose bit clone uses for the exit signal. */
export const CLONE_NAMESPACE_FLAGS = 0x7e020000;

/** Socket families that are allowed; packet, vsock, AF_ALG and the rarely audited rest answer EAFNOSUPPORT. */
export const SOCKET_FAMILIES: readonly { name: string; number: number }[] = [
  { name: "AF_UNIX", number: 1 },
  { name: "AF_INET", number: 2 },
  { name: "AF_INET6", number: 10 },
  { name: "AF_NETLINK", number: 16 },
];
