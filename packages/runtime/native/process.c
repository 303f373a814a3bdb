/* The child's side: waits, already in its own cgroup, for what to become; then sets itself up and executes it. */
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void close_pair(int pair[2]) {
  for (int i = 0; i < 2; i++)
    if (pair[i] >= 0) close(pair[i]);
}

int fork_process(struct process *p) {
  int pipes[CHANNELS][2], spec[2] = {-1, -1}, verdict[2] = {-1, -1};
  memset(pipes, -1, sizeof pipes);
  int bad = pipe2(spec, O_CLOEXEC) || pipe2(verdict, O_CLOEXEC);
  for (int i = 0; i < CHANNELS && !bad; i++) bad = pipe2(pipes[i], O_CLOEXEC);
  pid_t pid = bad ? -1 : fork();
  if (pid == 0) {
    int fds[CHANNELS];
    for (int i = 0; i < CHANNELS; i++) {
      int child_end = i == STDIN || i == CONTROL_IN ? 0 : 1;
      fds[i] = pipes[i][child_end];
      close(pipes[i][!child_end]);
    }
    close(spec[1]);
    close(verdict[0]);
    run_child(spec[0], verdict[1], fds);
  }
  if (pid < 0) {
    int saved = errno;
    for (int i = 0; i < CHANNELS; i++) close_pair(pipes[i]);
    close_pair(spec);
    close_pair(verdict);
    return saved ? saved : EAGAIN;
  }
  for (int i = 0; i < CHANNELS; i++) {
    int ours = i == STDIN || i == CONTROL_IN ? 1 : 0;
    p->fd[i] = pipes[i][ours];
    close(pipes[i][!ours]);
    fcntl(p->fd[i], F_SETFL, O_NONBLOCK);
  }
  close(spec[0]);
  close(verdict[1]);
  p->spec = spec[1];
  p->verdict = verdict[0];
  p->pid = pid;
  return 0;
}

static int read_all(int fd, void *to, size_t n) {
  for (size_t at = 0; at < n;) {
    ssize_t got = read(fd, (char *)to + at, n - at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return -1;
    at += (size_t)got;
  }
  return 0;
}

static void __attribute__((noreturn)) fail(int verdict) {
  int number = errno;
  if (write(verdict, &number, sizeof number) < 0) _exit(126);
  _exit(127);
}

static void limit(int resource, rlim_t value) {
  struct rlimit r = {value, value};
  setrlimit(resource, &r);
}

static int is_kept(unsigned fd, const int *keep, size_t n) {
  for (size_t i = 0; i < n; i++)
    if ((unsigned)keep[i] == fd) return 1;
  return 0;
}

/* Where the kernel has no close_range (before 5.9, or a gVisor of that time): each that is open. */
static void close_each(const int *keep, size_t n) {
  struct dirent *entry;
  DIR *open_ones = opendir("/proc/self/fd");
  if (!open_ones) _exit(126);
  while ((entry = readdir(open_ones))) {
    unsigned fd = (unsigned)strtoul(entry->d_name, NULL, 10);
    if (fd > 2 && fd != (unsigned)dirfd(open_ones) && !is_kept(fd, keep, n)) close((int)fd);
  }
  closedir(open_ones);
}

/* Closes every descriptor above 2 but these: a waiting child must not hold another process's pipes open. */
static void keep_only(const int *keep, size_t n) {
  unsigned from = 3;
  for (;;) {
    unsigned next = ~0u;
    for (size_t i = 0; i < n; i++)
      if ((unsigned)keep[i] >= from && (unsigned)keep[i] < next) next = (unsigned)keep[i];
    unsigned to = next == ~0u ? ~0u : next - 1;
    if (from <= to && syscall(SYS_close_range, from, to, 0)) return close_each(keep, n);
    if (next == ~0u) return;
    from = next + 1;
  }
}

/* START's payload: u32 flags, u32 open files, u32 argc, u32 envc, then strings: cwd, argv…, env…. */
void run_child(int spec, int verdict, int fds[CHANNELS]) {
  uint32_t length, head[4];
  int own[CHANNELS + 2] = {spec, verdict, fds[0], fds[1], fds[2], fds[3], fds[4]};
  keep_only(own, CHANNELS + 2);
  setsid();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (int number = 1; number < 32; number++) signal(number, SIG_DFL);
  /* The host writes the whole payload behind its length: u32 length, payload. */
  if (read_all(spec, &length, 4)) _exit(0);
  if (length < sizeof head || length > MAX_FRAME) _exit(126);
  char *strings = malloc(length);
  if (!strings || read_all(spec, head, sizeof head) || read_all(spec, strings, length - sizeof head)) _exit(126);
  close(spec);
  uint32_t flags = head[0], argc = head[2], envc = head[3];
  size_t size = length - sizeof head;
  char **vector = calloc((size_t)argc + envc + 3, sizeof *vector);
  if (!vector || argc > length || envc > length || size == 0 || strings[size - 1] != 0) _exit(126);
  char *cwd = strings, **argv = vector, **env = vector + argc + 1;
  size_t at = strlen(cwd) + 1;
  for (uint32_t i = 0; i < argc + envc; i++) {
    if (at >= size) _exit(126);
    (i < argc ? argv : env - argc)[i] = strings + at;
    at += strlen(strings + at) + 1;
  }
  if (argc == 0) _exit(126);

  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  int in = flags & WITH_STDIN ? fds[STDIN] : null;
  /* All ends are numbered above 9 by now or moved there, so that none is overwritten before it is placed. */
  int high[CHANNELS] = {fcntl(in, F_DUPFD_CLOEXEC, 10), fcntl(fds[STDOUT], F_DUPFD_CLOEXEC, 10),
                        fcntl(fds[STDERR], F_DUPFD_CLOEXEC, 10), fcntl(fds[CONTROL_IN], F_DUPFD_CLOEXEC, 10),
                        fcntl(fds[CONTROL_OUT], F_DUPFD_CLOEXEC, 10)};
  int verdict_high = fcntl(verdict, F_DUPFD_CLOEXEC, 10);
  for (int i = 0; i < CHANNELS; i++)
    if (high[i] < 0) _exit(126);
  int last = flags & WITH_CONTROL ? CHANNELS : 3;
  for (int i = 0; i < last; i++)
    if (dup2(high[i], i) < 0) _exit(126);
  if (dup2(verdict_high, last) < 0) _exit(126);
  verdict = last;
  int placed[3] = {3, 4, verdict};
  keep_only(placed + (flags & WITH_CONTROL ? 0 : 2), flags & WITH_CONTROL ? 3 : 1);
  fcntl(verdict, F_SETFD, FD_CLOEXEC);
  limit(RLIMIT_NOFILE, head[1]);
  limit(RLIMIT_CORE, 1); /* see helper.c */
  /* The agent is harder to choose for the OOM killer than what it runs. */
  prctl(PR_SET_DUMPABLE, 1); /* /proc/self belongs to root until then */
  int oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (oom >= 0) {
    if (write(oom, "100", 3) < 0) fail(verdict);
    close(oom);
  }
  umask(022);
  if (chdir(cwd)) {
    errno |= FAILED_CWD;
    fail(verdict);
  }
  if (flags & BUILTIN) {
    close(verdict);
    exit(run_file_operation((int)argc, argv));
  }
  environ = env;
  execvp(argv[0], argv);
  fail(verdict);
}
