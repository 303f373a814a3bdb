/* What the helper is for a daemon that is not root: root of a user namespace. There it may mount, and enter the networks of its
   sandboxes, whose user namespaces are below its own; on the host it may do what the daemon's user may. */
#include "user-namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_MAPPING = 64 };

/* What the kernel counts for a user in all of its namespaces together, the daemon's own programs included. */
static const char *const shared_counts[] = {
  "/proc/sys/user/max_inotify_instances",
  "/proc/sys/user/max_inotify_watches",
};
enum { SHARED_COUNTS = sizeof shared_counts / sizeof *shared_counts, SHARE = 4 };

static long read_count(const char *path) {
  char text[32] = "";
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  return n > 0 ? strtol(text, NULL, 10) : 0;
}

static int write_own(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = write(fd, text, strlen(text));
  int saved = errno;
  close(fd);
  errno = saved;
  return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* The set-uid programs check their files (/etc/subuid, /etc/subgid) and write the map. They say on stderr what is wrong. */
static int run_mapper(const char *program, const char *pid, char **mapping, int count) {
  char *argv[MAX_MAPPING + 3];
  int n = 0, status;
  argv[n++] = (char *)program;
  argv[n++] = (char *)pid;
  for (int i = 0; i < count; i++) argv[n++] = mapping[i];
  argv[n] = NULL;
  pid_t child = fork();
  if (child == 0) {
    execv(program, argv);
    _exit(127);
  }
  if (child < 0) return -1;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return -1;
  errno = 0;
  return status == 0 ? 0 : -1;
}

/* From outside the namespace, for its parent: waits for the byte that says it is there. */
static void map_from_outside(const char *pid, char **mapping, int count, int ready) {
  int split = 0;
  char byte;
  while (split < count && strcmp(mapping[split], "-") != 0) split++;
  if (read(ready, &byte, 1) != 1) _exit(1);
  if (split == count || run_mapper("/usr/bin/newuidmap", pid, mapping, split)) _exit(1);
  _exit(run_mapper("/usr/bin/newgidmap", pid, mapping + split + 1, count - split - 1) ? 1 : 0);
}

static int map_range(char **mapping, int count, const char **step) {
  int ready[2], status;
  char pid[16];
  snprintf(pid, sizeof pid, "%d", getpid());
  *step = "prepare the id map";
  if (count > MAX_MAPPING || pipe2(ready, O_CLOEXEC)) return -1;
  pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) {
    close(ready[1]);
    map_from_outside(pid, mapping, count, ready[0]);
  }
  close(ready[0]);
  *step = "make a user namespace";
  int bad = unshare(CLONE_NEWUSER), saved = errno;
  if (!bad && write(ready[1], "", 1) != 1) bad = -1;
  close(ready[1]);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  errno = saved;
  if (bad) return -1;
  *step = "map the ids with newuidmap";
  errno = 0;
  return status == 0 ? 0 : -1;
}

static int map_one(const char **step) {
  char uid[32], gid[32];
  snprintf(uid, sizeof uid, "0 %u 1", geteuid());
  snprintf(gid, sizeof gid, "0 %u 1", getegid());
  *step = "make a user namespace";
  if (unshare(CLONE_NEWUSER)) return -1;
  *step = "map the user's id";
  return write_own("/proc/self/setgroups", "deny") || write_own("/proc/self/uid_map", uid) || write_own("/proc/self/gid_map", gid) ? -1 : 0;
}

/* A quarter of it is the most that one id of this namespace may have: with ids of their own, one sandbox. Where the kernel or a container
   keeps these knobs to itself, all is as it is for every program of this user. */
static void keep_shares(const long *counts) {
  for (int i = 0; i < SHARED_COUNTS; i++) {
    char text[32];
    snprintf(text, sizeof text, "%ld", counts[i] / SHARE);
    if (counts[i] >= SHARE) (void)write_own(shared_counts[i], text);
  }
}

int enter_user_namespace(char **mapping, int count, const char **step) {
  long counts[SHARED_COUNTS];
  for (int i = 0; i < SHARED_COUNTS; i++) counts[i] = read_count(shared_counts[i]);
  if (count > 0 ? map_range(mapping, count, step) : map_one(step)) return -1;
  *step = "become root of the user namespace";
  if (setresgid(0, 0, 0) || setresuid(0, 0, 0)) return -1;
  keep_shares(counts);
  *step = "make a mount and a network namespace";
  return unshare(CLONE_NEWNS | CLONE_NEWNET);
}
