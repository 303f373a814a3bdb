/* Removes what a daemon that crashed left: `helper clear directory group…`, a process of its own beside the daemon that starts.
 *
 *   directory: removed with everything in it ("" for none)
 *   group…:    directories of control groups, removed with the groups in them once their processes have gone
 *
 * Exit status 0 when all of it is gone; 1 with a line on stderr where something stayed. The daemon would be busy with hundreds of
 * sandboxes for as long as everything else of its start takes. Links are never followed: a sandbox may have made them, and may
 * still be about to die. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clear.h"

enum { MAX_DEPTH = 512, PAUSE_NS = 5000000, PASSES = 1000 };

static int is_dot(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

static int is_gone(int result) { return result == 0 || errno == ENOENT; }

/* The directories of `name`, or all that is in it, by `remove`. -1 with errno where one stayed or it cannot be read. */
static int each_in(int at, const char *name, int depth, int only_directories, int (*remove)(int, const char *, int)) {
  int fd = depth > MAX_DEPTH ? (errno = ELOOP, -1) : openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return is_gone(-1) ? 0 : -1;
  DIR *directory = fdopendir(fd);
  if (!directory) return close(fd), -1;
  int failure = 0;
  for (struct dirent *entry; (entry = readdir(directory));) {
    if (is_dot(entry->d_name) || (only_directories && entry->d_type != DT_DIR)) continue;
    if (remove(fd, entry->d_name, depth + 1)) failure = errno;
  }
  closedir(directory);
  errno = failure;
  return failure ? -1 : 0;
}

static int remove_file(int at, const char *name, int depth) {
  if (is_gone(unlinkat(at, name, 0))) return 0;
  if (errno != EISDIR && errno != EPERM) return -1;
  if (each_in(at, name, depth, 0, remove_file)) return -1;
  return is_gone(unlinkat(at, name, AT_REMOVEDIR)) ? 0 : -1;
}

/* A group without groups is removed unread: the kernel would list dozens of files for each. */
static int remove_group(int at, const char *name, int depth) {
  if (is_gone(unlinkat(at, name, AT_REMOVEDIR))) return 0;
  if (errno != EBUSY && errno != ENOTEMPTY) return -1;
  if (each_in(at, name, depth, 1, remove_group)) return -1;
  return is_gone(unlinkat(at, name, AT_REMOVEDIR)) ? 0 : -1;
}

/* Killed processes leave one after another, over some seconds where there are thousands. */
static int remove_groups(const char *path) {
  for (int pass = 1; remove_group(AT_FDCWD, path, 0); pass++) {
    if (errno != EBUSY || pass == PASSES) return -1;
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
  }
  return 0;
}

static int report(const char *path) {
  dprintf(2, "%s: %s\n", path, strerror(errno));
  return 1;
}

int remove_tree(const char *path) { return remove_file(AT_FDCWD, path, 0); }

int clear_leftovers(int argc, char **argv) {
  int status = 0;
  for (int i = 0; i < argc; i++) {
    if (argv[i][0] == 0) continue;
    if (i == 0 ? remove_file(AT_FDCWD, argv[i], 0) : remove_groups(argv[i])) status = report(argv[i]);
  }
  return status;
}
