/* Makes the sandbox's files those of another: carries out a stream of changes.h on stdin, as a process inside. The host only passes the
   stream on; what is malformed in it, or leads anywhere, is this sandbox's own affair.

   The answer is one record of NUL-terminated fields: errno (0 where all went well), how many changes were carried out, the path at which it
   stopped. Nobody inside has a capability, so a directory that cannot be written to is made so for as long as it takes. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "changes.h"

static char path[MAX_PATH + 1], target[MAX_PATH + 1], temporary[MAX_PATH + 32];
static unsigned long long done;

static int answer(int number) {
  if (number && temporary[0]) unlink(temporary);
  printf("%d%c%llu%c%s%c", number, 0, done, 0, number ? path : "", 0);
  return fflush(stdout) ? 1 : 0;
}

static void abandoned(int signal_number) {
  unlink(temporary);
  _exit(128 + signal_number);
}

static int take(void *to, size_t n) {
  if (fread(to, 1, n, stdin) == n) return 0;
  errno = EPIPE; /* the stream broke off */
  return -1;
}

static int open_up(const char *at, const struct stat *st, int type, struct FTW *ftw) {
  (void)ftw;
  if (type == FTW_D || type == FTW_DNR) chmod(at, (st->st_mode & 07777) | 0700); /* where it fails, removing says so */
  return 0;
}

static int remove_entry(const char *at, const struct stat *st, int type, struct FTW *ftw) {
  (void)st, (void)type, (void)ftw;
  return remove(at);
}

/* What is in the way of something else. */
static int clear_path(void) {
  struct stat st;
  if (lstat(path, &st)) return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
  if (!S_ISDIR(st.st_mode)) return unlink(path);
  nftw(path, open_up, 32, FTW_PHYS);
  return nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
}

static int set_times(const char *at, const struct change *c) {
  struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = c->seconds, .tv_nsec = c->nanoseconds}};
  return utimensat(AT_FDCWD, at, times, AT_SYMLINK_NOFOLLOW);
}

static int make_directory(const struct change *c) {
  struct stat st;
  if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) return chmod(path, (c->mode & 07777) | 0700);
  return clear_path() || mkdir(path, 0700) ? -1 : 0;
}

/* Under another name first: a reader never sees half of it, and what runs keeps what it has. */
static int name_temporary(void) {
  char directory[MAX_PATH + 1];
  strcpy(directory, path);
  return (size_t)snprintf(temporary, sizeof temporary, "%s/.merge-XXXXXX", dirname(directory)) < sizeof temporary ? 0 : -1;
}

static int put_in_place(void) {
  struct stat st;
  if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && clear_path()) return -1;
  if (rename(temporary, path)) return -1;
  temporary[0] = 0;
  return 0;
}

static int write_parts(int fd) {
  static char buffer[MAX_PART];
  struct part part;
  for (;;) {
    if (take(&part, sizeof part)) return -1;
    if (part.length == 0) return 0;
    if (part.length > MAX_PART) return errno = EPROTO, -1;
    if (take(buffer, part.length)) return -1;
    for (size_t at = 0; at < part.length;) {
      ssize_t n = pwrite(fd, buffer + at, part.length - at, (off_t)(part.offset + at));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return -1;
      at += (size_t)n;
    }
  }
}

static int write_file(const struct change *c) {
  if (name_temporary()) return -1;
  int fd = mkostemp(temporary, O_CLOEXEC);
  if (fd < 0) {
    temporary[0] = 0;
    return -1;
  }
  struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = c->seconds, .tv_nsec = c->nanoseconds}};
  int bad = write_parts(fd) || ftruncate(fd, (off_t)c->size) || fchmod(fd, c->mode & 07777) || futimens(fd, times);
  int saved = errno;
  if (close(fd) && !bad) bad = 1, saved = errno;
  errno = saved;
  return bad ? -1 : put_in_place();
}

static int make_link(const struct change *c) {
  /* A name that is free, for symlink() makes its own file. */
  if (name_temporary()) return -1;
  int fd = mkostemp(temporary, O_CLOEXEC);
  if (fd < 0) {
    temporary[0] = 0;
    return -1;
  }
  close(fd);
  if (unlink(temporary) || symlink(target, temporary)) return -1;
  set_times(temporary, c); /* some file systems keep no times of links */
  return put_in_place();
}

static int carry_out(const struct change *c) {
  struct stat st;
  switch (c->kind) {
    case REMOVE: return clear_path();
    case DIRECTORY: return make_directory(c);
    case FILE_HEAD: return write_file(c);
    case LINK: return make_link(c);
    case LEAVE: return chmod(path, c->mode & 07777) || set_times(path, c) ? -1 : 0;
    /* What both have alike may belong to someone else: where it has to be written to and cannot, that says so. */
    case PASS:
      if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) open_up(path, &st, FTW_D, NULL);
      return 0;
    case LEFT:
      if (chmod(path, c->mode & 07777) == 0) set_times(path, c);
      return 0;
  }
  errno = EPROTO;
  return -1;
}

int apply_changes(void) {
  struct change c;
  struct sigaction action = {.sa_handler = abandoned};
  sigaction(SIGTERM, &action, NULL); /* the host's, where the stream broke off */
  umask(0);
  for (;;) {
    if (take(&c, sizeof c)) return answer(errno);
    if (c.path_length > MAX_PATH || c.target_length > MAX_PATH) return answer(EPROTO);
    if (take(path, c.path_length) || take(target, c.target_length)) return answer(errno);
    path[c.path_length] = target[c.target_length] = 0;
    if (c.kind == WHOLE) return answer(0);
    if (path[0] != '/') return answer(EPROTO);
    if (carry_out(&c)) return answer(errno ? errno : EIO);
    if (strchr("RDFL", c.kind)) done++;
  }
}
