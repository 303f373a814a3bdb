/* The minder of one sandbox: its parent on the host, by whose death it dies, and the daemon's hand over it. A process of its own for each
 * sandbox, so that whatever happens to the helper, or to another minder, does not happen to this sandbox.
 *
 * It connects to the daemon's socket, says the token it was given, and hears and speaks there (message.h) in place of stdin and stdout:
 *   -> "create" mount_point image disk skeleton usr uid idmap|size socket hello seccomp oom_score log N cgroup*N M argv*M
 *   <- "created" pid            the program that becomes the sandbox has been executed (become.c)
 *   <- "failed" text            it has not; the minder leaves
 *   -> "listen" number port…    the sockets leave on Node's own channel, which all minders of a helper share (listen.c)
 *   <- "refused" text           there are none: text is the number, "later" or "never", and why
 *   <- "exited" wait_status     the sandbox has gone with all its processes; the minder leaves
 * When the daemon ends what it says, because it wants no more of this sandbox or because it has gone itself, the sandbox is killed. */
#include "minder.h"

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

#include "become.h"
#include "helper.h"
#include "listen.h"
#include "message.h"

static struct {
  pid_t pid;     /* 0 while there is none */
  int status_fd; /* its error text; closed by its exec. -1 once read to the end */
} sandbox = {.status_fd = -1};
static int root_is_users;

/* Whatever comes to us has had a parent among our children, whose end is waited for: one pass more is made for it. */
static void kill_all(void) {
  if (sandbox.pid) kill(sandbox.pid, SIGKILL);
  do kill_children(NULL);
  while (waitpid(-1, NULL, 0) > 0 || errno == EINTR);
}

static void __attribute__((noreturn)) fail(const char *text) {
  kill_all();
  (void)say("failed", text, ""); /* a daemon that has gone does not ask any more */
  _exit(0);
}

static void __attribute__((noreturn)) fail_at(const char *step) {
  char text[128];
  snprintf(text, sizeof text, "%s: %s", step, strerror(errno));
  fail(text);
}

static void create(char **f, size_t n) {
  size_t at = 13, cgroups = n > at ? strtoul(f[at], NULL, 10) : MAX_FIELDS;
  if (sandbox.pid) fail("malformed create: a second one");
  if (cgroups > 16 || at + 1 + cgroups >= n) fail("malformed create: cgroups");
  char **cgroup = f + at + 1;
  at += 1 + cgroups;
  size_t argc = strtoul(f[at], NULL, 10);
  if (argc == 0 || argc > 512 || at + 1 + argc != n) fail("malformed create: argv");
  char *argv[513];
  memcpy(argv, f + at + 1, argc * sizeof *argv);
  argv[argc] = NULL;
  unsigned long uid = strtoul(f[6], NULL, 10);
  if (root_is_users ? uid > 65536 : uid < 100000 || uid > 4200000000ul) fail("malformed create: uid");

  int status[2];
  if (pipe2(status, O_CLOEXEC)) fail_at("pipe");
  pid_t minder = getpid(), pid = fork();
  if (pid == 0) become_sandbox(f, cgroups, cgroup, argv, status[1], minder);
  if (pid < 0) fail_at("fork");
  close(status[1]);
  sandbox.pid = pid;
  sandbox.status_fd = status[0];
}

static void start_listening(char **f, size_t n) {
  char text[256];
  const char *step = "find the sandbox";
  unsigned long number = strtoul(f[0], NULL, 10);
  errno = ESRCH;
  if (sandbox.pid && listen_inside(sandbox.pid, number, f + 1, n - 1, &step) == 0) return;
  snprintf(text, sizeof text, "%lu %s %s: %s", number, errno == EAGAIN ? "later" : "never", step, strerror(errno));
  (void)say("refused", text, "");
}

static void handle(char **f, size_t n) {
  if (strcmp(f[0], "create") == 0) create(f, n);
  else if (strcmp(f[0], "listen") == 0 && n > 2) start_listening(f + 1, n - 1);
  else {
    errno = EINVAL;
    die("unknown message");
  }
}

/* The status pipe: text is why the sandbox failed, end of file without text means that its exec succeeded. */
static void read_status(void) {
  char text[512];
  ssize_t n = read(sandbox.status_fd, text, sizeof text - 1);
  if (n < 0 && errno == EINTR) return;
  if (n > 0) {
    text[n] = 0;
    fail(text);
  }
  close(sandbox.status_fd);
  sandbox.status_fd = -1;
  snprintf(text, sizeof text, "%d", sandbox.pid);
  (void)say("created", text, "");
}

/* Of a bubblewrap that goes, its child comes to us, whose parent-death signal it may not have asked for yet. All of the sandbox has
   gone when that has: it is process 1 in there. */
static void __attribute__((noreturn)) ended(int wait_status) {
  char text[16];
  if (sandbox.status_fd >= 0) read_status();
  sandbox.pid = 0; /* another process may have it from now on */
  kill_all();
  snprintf(text, sizeof text, "%d", wait_status);
  (void)say("exited", text, "");
  _exit(0);
}

static void reap(int children) {
  struct signalfd_siginfo info;
  while (read(children, &info, sizeof info) > 0) {}
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
    if (pid == sandbox.pid) ended(status);
}

/* In place of the helper's line to the daemon, which is none of the minder's: with it, nobody would see that the helper is gone. */
static void connect_daemon(const char *token, const char *path) {
  int line = connect_with(path, token);
  if (line < 0) {
    (void)say("failed", token, strerror(errno));
    _exit(1);
  }
  if (dup2(line, 0) < 0 || dup2(line, 1) < 0 || close(line)) die("the minder's line to the daemon");
  forget_what_was_heard();
}

void mind(const char *token, const char *path, int children, int is_user) {
  root_is_users = is_user;
  if (prctl(PR_SET_NAME, "minder") || prctl(PR_SET_CHILD_SUBREAPER, 1)) die("prctl");
  connect_daemon(token, path);
  for (;;) {
    struct pollfd polls[] = {
      {.fd = 0, .events = POLLIN},
      {.fd = children, .events = POLLIN},
      {.fd = sandbox.status_fd, .events = POLLIN},
      {.fd = full_channel(), .events = POLLOUT},
    };
    if (poll(polls, sizeof polls / sizeof *polls, -1) < 0) {
      if (errno == EINTR) continue;
      die("poll");
    }
    if (sandbox.status_fd >= 0 && polls[2].revents) read_status();
    if (polls[1].revents & POLLIN) reap(children);
    if (polls[3].revents) flush_channel();
    if (polls[0].revents && !hear(handle)) break;
  }
  kill_all();
  (void)say("exited", "9", "");
  _exit(0);
}
