/* File operations, each in a process of its own inside the sandbox: links, mounts and permissions mean there what the
   sandboxed code sees, and nothing is ever resolved on the host.

   Results are records of NUL-terminated fields on stdout: kind, size, mode (octal), mtime (seconds.nanoseconds), name, link target.
   A failure is the errno as text on stderr and exit code 1. */
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char temporary[PATH_MAX + 32];

static int failed(void) {
  int number = errno;
  if (temporary[0]) unlink(temporary);
  fprintf(stderr, "%d", number);
  return 1;
}

static void abandoned(int signal_number) {
  unlink(temporary);
  _exit(128 + signal_number);
}

static void put_record(const char *name, int directory, const char *path) {
  struct stat st;
  char target[PATH_MAX] = "";
  if (fstatat(directory, path, &st, AT_SYMLINK_NOFOLLOW)) return;
  const char *kind = S_ISREG(st.st_mode) ? "file" : S_ISDIR(st.st_mode) ? "directory" : S_ISLNK(st.st_mode) ? "symlink" : "other";
  if (S_ISLNK(st.st_mode)) {
    ssize_t n = readlinkat(directory, path, target, sizeof target - 1);
    target[n < 0 ? 0 : n] = 0;
  }
  printf("%s%c%lld%c%o%c%lld.%09ld%c%s%c%s%c", kind, 0, (long long)st.st_size, 0, st.st_mode & 07777, 0,
         (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, 0, name, 0, target, 0);
}

static int stat_path(const char *path) {
  struct stat st;
  if (lstat(path, &st)) return failed();
  put_record(path, AT_FDCWD, path);
  return 0;
}

static int list(const char *path) {
  DIR *d = opendir(path);
  if (!d) return failed();
  errno = 0;
  for (struct dirent *e; (e = readdir(d));)
    if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) put_record(e->d_name, dirfd(d), e->d_name);
  return 0;
}

static int copy(int from, int to, long long limit) {
  static char buffer[256 * 1024];
  while (limit != 0) {
    size_t want = limit > 0 && limit < (long long)sizeof buffer ? (size_t)limit : sizeof buffer;
    ssize_t n = read(from, buffer, want);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return (int)n;
    if (limit > 0) limit -= n;
    for (ssize_t at = 0; at < n;) {
      ssize_t wrote = write(to, buffer + at, (size_t)(n - at));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return -1;
      at += wrote;
    }
  }
  return 0;
}

/* The record, then as many bytes as it says (fewer where the file shrinks meanwhile). */
static int read_path(const char *path) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (fd < 0 || fstat(fd, &st)) return failed();
  if (!S_ISREG(st.st_mode)) {
    errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
    return failed();
  }
  char real[64];
  snprintf(real, sizeof real, "/proc/self/fd/%d", fd);
  printf("file%c%lld%c%o%c%lld.%09ld%c%s%c%c", 0, (long long)st.st_size, 0, st.st_mode & 07777, 0, (long long)st.st_mtim.tv_sec,
         st.st_mtim.tv_nsec, 0, path, 0, 0);
  if (fflush(stdout)) return failed();
  return copy(fd, 1, st.st_size) ? failed() : 0;
}

static int make_parents(const char *path, mode_t mode) {
  char part[PATH_MAX];
  if (strlen(path) >= sizeof part) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(part, path);
  for (char *slash = part + 1; (slash = strchr(slash, '/')); slash++) {
    *slash = 0;
    if (mkdir(part, mode) && errno != EEXIST) return -1;
    *slash = '/';
  }
  return 0;
}

/* Into a temporary file beside the target, renamed when whole: a reader never sees half of it, and an upload that breaks
   off (SIGTERM) leaves what was there before. First field of the answer: 1 where a file was replaced. */
static int write_path(const char *path, const char *mode_text) {
  char target[PATH_MAX], directory[PATH_MAX];
  struct stat st;
  if (make_parents(path, 0755)) return failed();
  if (!realpath(path, target)) {
    if (errno != ENOENT || lstat(path, &st) == 0) return failed(); /* a dangling link has nowhere to go */
    snprintf(target, sizeof target, "%s", path);
  }
  int existed = stat(target, &st) == 0;
  if (existed && !S_ISREG(st.st_mode)) {
    errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
    return failed();
  }
  mode_t mode = mode_text[0] ? (mode_t)strtoul(mode_text, NULL, 8) & 07777 : existed ? st.st_mode & 07777 : 0644;
  snprintf(directory, sizeof directory, "%s", target);
  snprintf(temporary, sizeof temporary, "%s/.upload-XXXXXX", dirname(directory));
  struct sigaction action = {.sa_handler = abandoned};
  sigaction(SIGTERM, &action, NULL);
  int fd = mkostemp(temporary, O_CLOEXEC);
  if (fd < 0) {
    temporary[0] = 0;
    return failed();
  }
  if (copy(0, fd, -1) || fchmod(fd, mode) || rename(temporary, target)) return failed();
  temporary[0] = 0;
  printf("%d%c", existed, 0);
  put_record(path, AT_FDCWD, target);
  return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st, (void)type, (void)ftw;
  return remove(path);
}

static int remove_path(const char *path, int recursive) {
  struct stat st;
  if (lstat(path, &st)) return failed();
  if (!S_ISDIR(st.st_mode)) return unlink(path) ? failed() : 0;
  if (!recursive) return rmdir(path) ? failed() : 0;
  return nftw(path, remove_entry, 64, FTW_DEPTH | FTW_PHYS) ? failed() : 0;
}

int run_file_operation(int argc, char **argv) {
  const char *operation = argv[0], *path = argc > 1 ? argv[1] : "", *other = argc > 2 ? argv[2] : "";
  if (strcmp(operation, "stat") == 0) return stat_path(path);
  if (strcmp(operation, "list") == 0) return list(path);
  if (strcmp(operation, "read") == 0) return read_path(path);
  if (strcmp(operation, "write") == 0) return write_path(path, other);
  if (strcmp(operation, "mkdir") == 0) {
    struct stat st;
    if (make_parents(path, 0755)) return failed();
    if (mkdir(path, 0755) && (errno != EEXIST || stat(path, &st) || !S_ISDIR(st.st_mode))) return failed();
    return stat_path(path);
  }
  if (strcmp(operation, "move") == 0) return make_parents(other, 0755) || rename(path, other) ? failed() : stat_path(other);
  if (strcmp(operation, "remove") == 0) return remove_path(path, strcmp(other, "recursive") == 0);
  if (strcmp(operation, "apply") == 0) return apply_changes();
  if (strcmp(operation, "sync") == 0) return sync(), 0; /* of a guest's kernel, which the host cannot ask */
  errno = ENOSYS;
  return failed();
}
