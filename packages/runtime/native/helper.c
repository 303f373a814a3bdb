/* sandglass helper: does for the daemon what Node cannot. One process, one thread, spawned once.
 *
 *   create: in a child with a mount namespace of its own, builds the sandbox's root (mounts.c), joins its cgroups, connects
 *           the agent's socket, gives up root for the sandbox's own uid and executes bubblewrap.
 *   kill:   SIGKILL to a sandbox's bubblewrap, by the id the daemon gave it (no pid that could have been reused).
 *   listen: opens listening sockets on the sandbox's own loopback and hands them to the daemon (listen.c).
 *
 * Messages come on stdin and leave on stdout: u32 length (little endian), then NUL-terminated strings.
 *   -> "create" id mount_point image disk skeleton usr uid idmap|size socket hello seccomp oom_score log N cgroup*N M argv*M
 *   <- "ready" "" "", or "stopped" why step: once, first
 *   <- "created" id pid            the program that becomes the sandbox has been executed
 *   <- "failed" id text            it has not
 *   -> "kill" id
 *   <- "exited" id wait_status     of every sandbox that was created, once
 *   -> "listen" id number port…    the sockets leave on Node's own channel
 *   <- "refused" id text           there are none: text is the number, "later" or "never", and why
 * When stdin closes the daemon is gone: everything is killed, then the helper leaves. When the helper goes, the kernel
 * kills the sandboxes (parent-death signal, here and in bubblewrap). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "become.h"
#include "clear.h"
#include "helper.h"
#include "listen.h"
#include "user-namespace.h"

enum { MAX_MESSAGE = 256 * 1024, MAX_FIELDS = 1024, MAX_SANDBOXES = 4096, ID_SIZE = 64 };

struct sandbox {
  char id[ID_SIZE];
  pid_t pid;
  int status_fd; /* child's error text; closed by its exec. -1 once read to the end */
  int failed;
};
static struct sandbox sandboxes[MAX_SANDBOXES];
static size_t sandbox_count;
static int is_user; /* root of a user namespace only */

void die(const char *what) {
  dprintf(2, "sandglass-helper: %s: %s\n", what, strerror(errno));
  _exit(1);
}

static void send_message(const char *kind, const char *id, const char *text) {
  char buffer[4 + 16 + ID_SIZE + 1024];
  const char *fields[] = {kind, id, text};
  size_t n = 4;
  for (size_t i = 0; i < 3; i++) {
    size_t length = strnlen(fields[i], 1000);
    memcpy(buffer + n, fields[i], length);
    n += length;
    buffer[n++] = 0;
  }
  uint32_t length = (uint32_t)(n - 4);
  memcpy(buffer, &length, 4);
  for (size_t at = 0; at < n;) {
    ssize_t wrote = write(1, buffer + at, n - at);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) die("write to the daemon");
    at += (size_t)wrote;
  }
}

static void create(char **f, size_t n) {
  char *id = f[1];
  if (sandbox_count == MAX_SANDBOXES) return send_message("failed", id, "the helper holds 4096 sandboxes already");
  size_t at = 14, cgroups = n > at ? strtoul(f[at], NULL, 10) : MAX_FIELDS;
  if (cgroups > 16 || at + 1 + cgroups >= n) return send_message("failed", id, "malformed create: cgroups");
  char **cgroup = f + at + 1;
  at += 1 + cgroups;
  size_t argc = strtoul(f[at], NULL, 10);
  if (argc == 0 || argc > 512 || at + 1 + argc != n) return send_message("failed", id, "malformed create: argv");
  char *argv[513];
  memcpy(argv, f + at + 1, argc * sizeof *argv);
  argv[argc] = NULL;
  unsigned long uid = strtoul(f[7], NULL, 10);
  if (is_user ? uid > 65536 : uid < 100000 || uid > 4200000000ul) return send_message("failed", id, "malformed create: uid");

  int status[2];
  if (pipe2(status, O_CLOEXEC)) return send_message("failed", id, "pipe failed");
  pid_t helper = getpid(), pid = fork();
  if (pid == 0) become_sandbox(f, cgroups, cgroup, argv, status[1], helper);
  close(status[1]);
  if (pid < 0) {
    close(status[0]);
    return send_message("failed", id, "fork failed");
  }
  struct sandbox *s = &sandboxes[sandbox_count++];
  memset(s, 0, sizeof *s);
  snprintf(s->id, sizeof s->id, "%s", id);
  s->pid = pid;
  s->status_fd = status[0];
}

static struct sandbox *find(const char *id) {
  for (size_t i = 0; i < sandbox_count; i++)
    if (strcmp(sandboxes[i].id, id) == 0) return &sandboxes[i];
  return NULL;
}

static void start_listening(const char *id, char **f, size_t n) {
  char text[256];
  const char *step = "find the sandbox";
  unsigned long number = strtoul(f[0], NULL, 10);
  const struct sandbox *s = find(id);
  errno = ESRCH;
  if (s && !s->failed && listen_inside(s->pid, number, f + 1, n - 1, &step) == 0) return;
  snprintf(text, sizeof text, "%lu %s %s: %s", number, errno == EAGAIN ? "later" : "never", step, strerror(errno));
  send_message("refused", id, text);
}

static void handle(char *message, size_t length) {
  char *fields[MAX_FIELDS];
  size_t n = 0;
  if (length == 0 || message[length - 1] != 0) die("malformed message");
  for (size_t at = 0; at < length; at += strlen(message + at) + 1) {
    if (n == MAX_FIELDS) die("too many fields");
    fields[n++] = message + at;
  }
  if (n < 2 || strlen(fields[1]) >= ID_SIZE) die("malformed message");
  if (strcmp(fields[0], "create") == 0) {
    if (n < 16) send_message("failed", fields[1], "malformed create");
    else create(fields, n);
  } else if (strcmp(fields[0], "kill") == 0) {
    struct sandbox *s = find(fields[1]);
    if (s) kill(s->pid, SIGKILL);
  } else if (strcmp(fields[0], "listen") == 0 && n > 3) {
    start_listening(fields[1], fields + 2, n - 2);
  } else {
    errno = EINVAL;
    die("unknown message");
  }
}

/* The child's status pipe: text is why it failed, end of file without text means that its exec succeeded. */
static void read_status(struct sandbox *s) {
  char text[512];
  ssize_t n = read(s->status_fd, text, sizeof text - 1);
  if (n < 0 && errno == EINTR) return;
  if (n > 0) {
    text[n] = 0;
    s->failed = 1;
    send_message("failed", s->id, text);
  } else if (!s->failed) {
    snprintf(text, sizeof text, "%d", s->pid);
    send_message("created", s->id, text);
  }
  close(s->status_fd);
  s->status_fd = -1;
}

static void reap(void) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    for (size_t i = 0; i < sandbox_count; i++) {
      struct sandbox *s = &sandboxes[i];
      if (s->pid != pid) continue;
      if (s->status_fd >= 0) read_status(s);
      if (!s->failed) {
        char text[16];
        snprintf(text, sizeof text, "%d", status);
        send_message("exited", s->id, text);
      }
      *s = sandboxes[--sandbox_count];
      break;
    }
  }
}

/* Of a bubblewrap that is killed before its child asked to die with it, the child comes to us, and waits for its parent for ever.
 * 0 when none is left. */
static int kill_children(void) {
  char text[4096];
  int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  text[n < 0 ? 0 : n] = 0;
  for (char *at = text, *end; *at; at = end) {
    long pid = strtol(at, &end, 10);
    if (end == at || (*end == 0 && n == sizeof text - 1)) break; /* the last may be cut off: it comes with the next pass */
    kill((pid_t)pid, SIGKILL);
  }
  pid_t gone;
  while ((gone = waitpid(-1, NULL, WNOHANG)) > 0) {}
  return gone == 0;
}

/* Started as `helper user [id map…]` by a daemon that is not root. */
static void become_user(int argc, char **argv) {
  const char *step;
  is_user = argc > 1;
  if (!is_user || enter_user_namespace(argv + 2, argc - 2, &step) == 0) return;
  send_message("stopped", errno ? strerror(errno) : "refused", step);
  _exit(1);
}

int main(int argc, char **argv) {
  if (argc > 2 && strcmp(argv[1], "clear") == 0) return clear_leftovers(argc - 2, argv + 2);
  static char buffer[MAX_MESSAGE];
  static struct pollfd polls[MAX_SANDBOXES + 3];
  size_t held = 0;
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  signal(SIGPIPE, SIG_IGN);
  /* Ctrl-C or a signal to the whole group is the daemon's to answer: it closes stdin when it is done. */
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  if (sigprocmask(SIG_BLOCK, &mask, NULL)) die("sigprocmask");
  /* What bubblewrap leaves when it is killed comes to us: the host's process 1 may be a program that reaps nobody. */
  if (prctl(PR_SET_CHILD_SUBREAPER, 1)) die("subreaper");
  int children = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  if (children < 0) die("signalfd");
  fcntl(0, F_SETFD, FD_CLOEXEC);
  become_user(argc, argv);
  open_channel();
  send_message("ready", "", "");
  for (;;) {
    polls[0] = (struct pollfd){.fd = 0, .events = POLLIN};
    polls[1] = (struct pollfd){.fd = children, .events = POLLIN};
    polls[2] = (struct pollfd){.fd = channel_fd(), .events = channel_events()};
    size_t count = sandbox_count;
    for (size_t i = 0; i < count; i++) polls[i + 3] = (struct pollfd){.fd = sandboxes[i].status_fd, .events = POLLIN};
    if (poll(polls, count + 3, -1) < 0) {
      if (errno == EINTR) continue;
      die("poll");
    }
    for (size_t i = 0; i < count; i++)
      if (sandboxes[i].status_fd >= 0 && (polls[i + 3].revents & (POLLIN | POLLHUP))) read_status(&sandboxes[i]);
    if (polls[1].revents & POLLIN) {
      struct signalfd_siginfo info;
      while (read(children, &info, sizeof info) > 0) {}
      reap();
    }
    if (polls[2].revents) serve_channel(polls[2].revents);
    if (!(polls[0].revents & (POLLIN | POLLHUP))) continue;
    ssize_t n = read(0, buffer + held, sizeof buffer - held);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    held += (size_t)n;
    for (uint32_t length; held >= 4; held -= length + 4) {
      memcpy(&length, buffer, 4);
      if (length > sizeof buffer - 4) die("message too long");
      if (held < length + 4) break;
      handle(buffer + 4, length);
      memmove(buffer, buffer + 4 + length, held - 4 - length);
    }
  }
  for (size_t i = 0; i < sandbox_count; i++) kill(sandboxes[i].pid, SIGKILL);
  while (kill_children()) nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  return 0;
}
