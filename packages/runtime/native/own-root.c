/* An ordinary user has no loop devices, cannot map the owners of the host's files, and on many kernels has no overlay that
   could replace a directory. A tmpfs with a size needs none of these: what is small is copied to it and belongs to the sandbox,
   what is large is shown where it is and cannot be written. */
#include "own-root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A copy of the daemon's own Node, where the host has none in /usr: not in every sandbox's memory. */
enum { MAX_COPIED = 2 << 20 };

/* A read-only view of `source` at `target`, with what is mounted below: leaving that out is not for an ordinary user. */
static int show(const char *source, const char *target) {
  int fd = (int)syscall(SYS_open_tree, AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (fd < 0) return -1;
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
  int bad = (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) ||
            (int)syscall(SYS_move_mount, fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
  int saved = errno;
  close(fd);
  errno = saved;
  return bad ? -1 : 0;
}

static int copy_file(int from, int to, const char *name, const struct stat *st) {
  int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (in < 0) return -1;
  int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  ssize_t n = out < 0 ? -1 : 1;
  while (n > 0) n = sendfile(out, in, NULL, 1 << 20);
  struct timespec times[2] = {st->st_atim, st->st_mtim};
  if (n == 0 && (fchmod(out, st->st_mode & 0777) || futimens(out, times))) n = -1;
  int saved = errno;
  close(in);
  if (out >= 0) close(out);
  errno = saved;
  return n < 0 ? -1 : 0;
}

static int copy_link(int from, int to, const char *name) {
  char target[4096];
  ssize_t n = readlinkat(from, name, target, sizeof target - 1);
  if (n < 0) return -1;
  target[n] = 0;
  return symlinkat(target, to, name);
}

/* A file too large to copy, at the place where it belongs; `path` is its directory, seen from the skeleton's. */
static int show_file(int to, const char *skeleton, const char *path, const char *name) {
  char source[4096], target[4096];
  int fd = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
  if (fd < 0) return -1;
  close(fd);
  if ((size_t)snprintf(source, sizeof source, "%s%s/%s", skeleton, path, name) >= sizeof source ||
      (size_t)snprintf(target, sizeof target, "r%s/%s", path, name) >= sizeof target) {
    errno = ENAMETOOLONG;
    return -1;
  }
  return show(source, target);
}

/* Takes both descriptors. */
static int copy_tree(int from, int to, const char *skeleton, const char *path, unsigned uid) {
  DIR *dir = fdopendir(from);
  int bad = dir ? 0 : -1;
  struct dirent *entry;
  while (!bad && (errno = 0, entry = readdir(dir))) {
    const char *name = entry->d_name;
    struct stat st;
    if (!strcmp(name, ".") || !strcmp(name, "..")) continue;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW)) bad = -1;
    else if (S_ISDIR(st.st_mode)) {
      char below[4096];
      int length = snprintf(below, sizeof below, "%s/%s", path, name);
      bad = (size_t)length >= sizeof below || mkdirat(to, name, 0700) || fchmodat(to, name, st.st_mode & 07777, 0);
      int in = bad ? -1 : openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      int out = in < 0 ? -1 : openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      bad = out < 0 ? -1 : copy_tree(in, out, skeleton, below, uid);
    } else if (S_ISLNK(st.st_mode)) bad = copy_link(from, to, name);
    else if (S_ISREG(st.st_mode) && st.st_size > MAX_COPIED) {
      bad = show_file(to, skeleton, path, name);
      continue; /* it stays whose it is */
    } else if (S_ISREG(st.st_mode)) bad = copy_file(from, to, name, &st);
    else continue;
    if (!bad) bad = fchownat(to, name, uid, uid, AT_SYMLINK_NOFOLLOW);
  }
  int saved = errno;
  if (dir) closedir(dir);
  close(to);
  errno = saved;
  return bad || (dir && saved) ? -1 : 0;
}

int build_own_root(const char *skeleton, const char *usr, const char *size, unsigned uid, const char **step) {
  char options[128];
  snprintf(options, sizeof options, "mode=0755,%s", size);
  *step = "mount the disk";
  if (mkdir("r", 0755) || mount("tmpfs", "r", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOATIME, options)) return -1;
  *step = "copy the skeleton";
  int from = open(skeleton, O_RDONLY | O_DIRECTORY | O_CLOEXEC), to = open("r", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (from < 0 || to < 0 || copy_tree(from, to, skeleton, "", uid)) return -1;
  if (chown("r", uid, uid)) return -1;
  *step = "show /usr";
  return show(usr, "r/usr");
}
