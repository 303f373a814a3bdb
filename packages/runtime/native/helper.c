/* sandglass helper: does for the daemon what Node cannot. One process, one thread, spawned once; for each sandbox it forks a minder
 * (minder.c), which makes the sandbox and answers for it. It holds none itself: killed alone it harms none, and another takes its place.
 *
 * Messages come on stdin and leave on stdout (message.h):
 *   <- "ready" "" "", or "stopped" why step: once, first
 *   -> "mind" token path           a minder connects to `path`, says `token`, and is spoken with there
 *   <- "failed" token text         there will be none
 * When stdin closes the daemon is gone, which the minders notice by themselves: the helper waits for them, so that somebody reaps
 * them, and leaves. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clear.h"
#include "compare.h"
#include "copy.h"
#include "helper.h"
#include "listen.h"
#include "message.h"
#include "minder.h"
#include "user-namespace.h"

enum { MAX_SANDBOXES = 4096 };

static pid_t minders[MAX_SANDBOXES];
static size_t minder_count;
static int children = -1; /* signalfd of SIGCHLD */
static int is_user;       /* root of a user namespace only */

void die(const char *what) {
  dprintf(2, "sandglass-helper: %s: %s\n", what, strerror(errno));
  _exit(1);
}

static void say_or_die(const char *kind, const char *first, const char *second) {
  if (say(kind, first, second)) die("write to the daemon");
}

static void handle(char **f, size_t n) {
  errno = EINVAL;
  if (n != 3 || strcmp(f[0], "mind") != 0) die("unknown message");
  if (minder_count == MAX_SANDBOXES) return say_or_die("failed", f[1], "the helper has 4096 sandboxes minded already");
  pid_t pid = fork();
  if (pid == 0) mind(f[1], f[2], children, is_user);
  if (pid < 0) return say_or_die("failed", f[1], strerror(errno));
  minders[minder_count++] = pid;
}

static size_t place_of(pid_t pid) {
  size_t at = 0;
  while (at < minder_count && minders[at] != pid) at++;
  return at;
}

static int is_minder(pid_t pid) { return place_of(pid) < minder_count; }

void kill_children(int (*spares)(pid_t)) {
  char text[4096];
  int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  pid_t pid = 0;
  for (ssize_t n; (n = read(fd, text, sizeof text)) > 0;)
    for (ssize_t i = 0; i < n; i++) {
      if (text[i] >= '0' && text[i] <= '9') {
        pid = pid * 10 + (text[i] - '0');
      } else if (pid) {
        if (!spares || !spares(pid)) kill(pid, SIGKILL);
        pid = 0;
      }
    }
  close(fd);
}

/* Of a minder that was killed, what it had comes to us: the kernel kills its sandbox, but for a child of bubblewrap's that has not asked
   for that yet. 0 when there is no child left. */
static int reap(void) {
  struct signalfd_siginfo info;
  while (read(children, &info, sizeof info) > 0) {}
  int status, has_orphans = 0;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    size_t at = place_of(pid);
    if (at == minder_count || WIFSIGNALED(status)) has_orphans = 1;
    if (at < minder_count) minders[at] = minders[--minder_count];
  }
  if (has_orphans) kill_children(is_minder);
  return pid == 0;
}

/* Started as `helper user [id map…]` by a daemon that is not root. */
static void become_user(int argc, char **argv) {
  const char *step;
  is_user = argc > 1;
  if (!is_user || enter_user_namespace(argv + 2, argc - 2, &step) == 0) return;
  say_or_die("stopped", errno ? strerror(errno) : "refused", step);
  _exit(1);
}

int main(int argc, char **argv) {
  if (argc > 2 && strcmp(argv[1], "clear") == 0) return clear_leftovers(argc - 2, argv + 2);
  if (argc == 5 && strcmp(argv[1], "copy") == 0) return copy_disk(argv + 2);
  if (argc == 6 && strcmp(argv[1], "compare") == 0) return compare_roots(argv + 2);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  signal(SIGPIPE, SIG_IGN);
  /* Ctrl-C or a signal to the whole group is the daemon's to answer: it closes stdin when it is done. */
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  if (sigprocmask(SIG_BLOCK, &mask, NULL)) die("sigprocmask");
  /* What a killed minder leaves comes to us: the host's process 1 may be a program that reaps nobody. */
  if (prctl(PR_SET_CHILD_SUBREAPER, 1)) die("subreaper");
  children = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  if (children < 0) die("signalfd");
  fcntl(0, F_SETFD, FD_CLOEXEC);
  become_user(argc, argv);
  open_channel();
  say_or_die("ready", "", "");
  for (;;) {
    struct pollfd polls[] = {{.fd = 0, .events = POLLIN}, {.fd = children, .events = POLLIN}};
    if (poll(polls, 2, -1) < 0) {
      if (errno == EINTR) continue;
      die("poll");
    }
    if (polls[1].revents) reap();
    if (polls[0].revents && !hear(handle)) break;
  }
  while (reap())
    if (poll(&(struct pollfd){.fd = children, .events = POLLIN}, 1, -1) < 0 && errno != EINTR) die("poll");
  return 0;
}
