/* A minder's child, on its way from the helper's rights to the sandbox's: its root, its control groups, its line to the daemon, its
   descriptors, its user, and then the program that is the wall. */
#include "become.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "message.h"
#include "mounts.h"

enum { AGENT_FD = 3, SECCOMP_FD = 4 };

static void __attribute__((noreturn)) child_fail(int fd, const char *step) {
  dprintf(fd, "%s: %s", step, strerror(errno));
  _exit(127);
}

static int connect_agent(const char *path, const char *hello) {
  int fd = connect_with(path, hello), size = 2 << 20;
  if (fd < 0) return -1;
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size)) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  return fd;
}

void become_sandbox(char **f, size_t cgroups, char **cgroup, char **argv, int status, pid_t minder) {
  const char *step = "leave the helper's mount namespace";
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (int number = 1; number < 32; number++) signal(number, SIG_DFL); /* what is ignored stays so across exec */
  unsigned uid = (unsigned)strtoul(f[6], NULL, 10);
  if (unshare(CLONE_NEWNS)) child_fail(status, step);
  for (size_t i = 0; i < cgroups; i++) {
    char path[512];
    int fd;
    if ((size_t)snprintf(path, sizeof path, "%s/cgroup.procs", cgroup[i]) >= sizeof path ||
        (fd = open(path, O_WRONLY | O_CLOEXEC)) < 0 || write(fd, "0", 1) != 1)
      child_fail(status, "join the cgroup");
    close(fd);
  }
  struct root_spec spec = {.mount_point = f[1], .image = f[2], .disk = f[3], .skeleton = f[4], .usr = f[5], .uid = uid,
                           .idmap = strcmp(f[7], "1") == 0, .size = strncmp(f[7], "size=", 5) == 0 ? f[7] : ""};
  if (build_root(&spec, &step)) child_fail(status, step);
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  /* A host that refuses (a container without CAP_SYS_RESOURCE) leaves the agent as easy to choose as the next process. */
  if (fd < 0 || (write(fd, f[11], strlen(f[11])) < 0 && errno != EACCES)) child_fail(status, "set the OOM score");
  close(fd);
  int agent = connect_agent(f[8], f[9]);
  if (agent < 0) child_fail(status, "connect the agent's socket");
  int filter = open(f[10], O_RDONLY);
  if (filter < 0) child_fail(status, "open the seccomp filter");
  /* Everything above 4 is close-on-exec; make 3 and 4 what bubblewrap and the agent expect, whatever they were. */
  int agent_copy = fcntl(agent, F_DUPFD, 10), filter_copy = fcntl(filter, F_DUPFD, 10), status_copy = fcntl(status, F_DUPFD_CLOEXEC, 10);
  if (agent_copy < 0 || filter_copy < 0 || status_copy < 0 || dup2(agent_copy, AGENT_FD) < 0 || dup2(filter_copy, SECCOMP_FD) < 0)
    child_fail(status, "place the descriptors");
  int null = open("/dev/null", O_RDWR | O_CLOEXEC), log = open(f[12], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(log, 2) < 0)
    child_fail(status_copy, "place the descriptors");
  if (syscall(SYS_close_range, 5, status_copy - 1, 0) || syscall(SYS_close_range, status_copy + 1, ~0u, 0))
    child_fail(status_copy, "close what is not the sandbox's");
  /* The host's core_pattern may pipe to a program that runs as root there; only a limit of exactly 1 keeps the kernel from starting
     it (fs/coredump.c), and the seccomp filter keeps the limit where it is. */
  if (setrlimit(RLIMIT_CORE, &(struct rlimit){1, 1})) child_fail(status_copy, "limit core dumps");
  /* Where a user's own id is all that is mapped, its groups stay: the kernel has them given up by nobody. */
  if ((setgroups(0, NULL) && uid) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid)) child_fail(status_copy, "give up root");
  /* After the change of uid, which clears it; the parent may have gone before it was set. */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != minder) child_fail(status_copy, "tie to the minder's life");
  execv(argv[0], argv);
  child_fail(status_copy, argv[0]);
}
