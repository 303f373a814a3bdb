/* The agent's own filter, for a sandbox with a kernel of its own: there nobody outside can put one on it. What the agent starts
   inherits it. */
#include "agent.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

int install_filter(const char *path) {
  static struct sock_filter program[BPF_MAXINSNS];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = read(fd, program, sizeof program);
  close(fd);
  if (n <= 0 || n % (ssize_t)sizeof *program) return -1;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
  struct sock_fprog filter = {.len = (unsigned short)((size_t)n / sizeof *program), .filter = program};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}
