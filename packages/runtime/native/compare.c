/* What one sandbox's file system has otherwise than another's: `helper compare what root against since`.
 *
 *   what:          "list", or "content" for the stream of changes.h
 *   root, against: of each sandbox the directory of the host's that its disk (d) and its root (r) are mounted in (mounts.c)
 *   since:         seconds since 1970. A file that is the same inode on both disks, and was last changed before, is the same: both disks are
 *                  copies of one that was taken later. 0 where they are not
 *
 * A list is of NUL-terminated texts: A (added), M (modified) or R (removed) and an absolute path, behind each directory what is below it;
 * at the end E and the bytes that content would take. T and a path where it is too deep or too long to be looked at, in a list only.
 * Exit status 0, or 1 with a line on stderr.
 *
 * Both lie over the same lower layers, so only what one of the two upper layers names can differ: everything else is not read. Whose files
 * these are may be hostile and still be at work: each step goes by one name from an open directory and follows no link, no device opens
 * (nodev), no file is read that is not a regular one. What changes meanwhile is told as it is met. */
#include "compare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "changes.h"

enum { MAX_DEPTH = 200, MAX_MEMORY = 1 << 30 };

/* One directory of one sandbox: as the sandbox sees it, and in its upper layer. -1 where there is none. */
struct side {
  int seen, upper;
};

struct names {
  char **name;
  size_t count, room;
};

static int with_content;
static int usr_upper[2]; /* /usr is an overlay of its own */
static time_t since;
static char path[MAX_PATH + 256];
static unsigned long long total;

static void __attribute__((noreturn)) stop(const char *step) {
  dprintf(2, "%s: %s\n", step, strerror(errno));
  _exit(1);
}

static void put(const void *bytes, size_t size) {
  if (fwrite(bytes, 1, size, stdout) != size) stop("write");
}

static void *need(void *memory) {
  if (!memory) stop("remember the names of a directory");
  return memory;
}

/* The directories that are made for the time of a start, or are no files at all. */
static int is_left_out(const char *name) {
  static const char *const NAMES[] = {"proc", "sys", "dev", "tmp", "run"};
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
    if (strcmp(name, NAMES[i]) == 0) return 1;
  return 0;
}

static int open_directory(int at, const char *name) {
  return at == -1 ? -1 : openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void read_names(int at, struct names *to) {
  int fd = open_directory(at, ".");
  DIR *directory = fd < 0 ? NULL : fdopendir(fd);
  if (!directory) {
    if (fd >= 0) close(fd);
    return; /* it has gone */
  }
  for (struct dirent *entry; (entry = readdir(directory));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (to->count == to->room) to->name = need(realloc(to->name, (to->room = to->room * 2 + 64) * sizeof *to->name));
    to->name[to->count++] = need(strdup(entry->d_name));
  }
  closedir(directory);
}

/* Each name once, in order. */
static struct names names_of(struct side a, struct side b) {
  struct names all = {0};
  if (a.seen >= 0) read_names(a.seen, &all);
  if (b.seen >= 0) read_names(b.seen, &all);
  if (all.count) qsort(all.name, all.count, sizeof *all.name, by_name);
  size_t kept = 0;
  for (size_t i = 0; i < all.count; i++) {
    if (kept > 0 && strcmp(all.name[kept - 1], all.name[i]) == 0) free(all.name[i]);
    else all.name[kept++] = all.name[i];
  }
  all.count = kept;
  return all;
}

/* 0 where it is no file, link or directory, or is not there. */
static mode_t look(int at, const char *name, struct stat *st) {
  if (at < 0 || fstatat(at, name, st, AT_SYMLINK_NOFOLLOW)) return 0;
  mode_t type = st->st_mode & S_IFMT;
  return type == S_IFREG || type == S_IFDIR || type == S_IFLNK ? type : 0;
}

static int is_named(int upper, const char *name) {
  struct stat st;
  return upper >= 0 && fstatat(upper, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Regular files only: what was one may be a pipe by now. */
static int open_file(int at, const char *name, struct stat *st) {
  int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0 && (fstat(fd, st) || !S_ISREG(st->st_mode))) {
    close(fd);
    return -1;
  }
  return fd;
}

/* Where data goes on at or behind `at`; the size where there is none. What is in between reads as zeros. */
static off_t next_data(int fd, off_t at, off_t size) {
  off_t data = lseek(fd, at, SEEK_DATA);
  return data < 0 || data > size ? size : data;
}

/* Holes are not read: a file can be said to be larger than anything that can be read. */
static int is_same_content(int a, int b, off_t size) {
  static char one[MAX_PART], other[MAX_PART];
  for (off_t at = 0; at < size;) {
    off_t in_a = next_data(a, at, size), in_b = next_data(b, at, size);
    at = in_a < in_b ? in_a : in_b;
    size_t want = size - at < MAX_PART ? (size_t)(size - at) : MAX_PART;
    if (want == 0) break;
    ssize_t n = pread(a, one, want, at), m = pread(b, other, want, at);
    if (n <= 0 || n != m || memcmp(one, other, (size_t)n)) return 0;
    at += n;
  }
  return 1;
}

static int is_same_time(struct timespec a, struct timespec b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

/* Untouched since both disks were one. */
static int is_untouched(struct side a, struct side b, const char *name) {
  struct stat x, y;
  if (since == 0 || a.upper < 0 || b.upper < 0) return 0;
  if (fstatat(a.upper, name, &x, AT_SYMLINK_NOFOLLOW) || fstatat(b.upper, name, &y, AT_SYMLINK_NOFOLLOW)) return 0;
  return x.st_ino == y.st_ino && x.st_size == y.st_size && x.st_mode == y.st_mode && x.st_ctim.tv_sec < since &&
         is_same_time(x.st_ctim, y.st_ctim) && is_same_time(x.st_mtim, y.st_mtim);
}

static int is_same_file(struct side a, struct side b, const char *name) {
  struct stat x, y;
  if (is_untouched(a, b, name)) return 1;
  int fd = open_file(a.seen, name, &x), other = fd < 0 ? -1 : open_file(b.seen, name, &y);
  int is_same = other >= 0 && x.st_size == y.st_size && is_same_content(fd, other, x.st_size);
  if (fd >= 0) close(fd);
  if (other >= 0) close(other);
  return is_same;
}

static ssize_t read_target(int at, const char *name, char *target) { return readlinkat(at, name, target, MAX_PATH); }

static int is_same_link(int a, int b, const char *name) {
  char one[MAX_PATH], other[MAX_PATH];
  ssize_t n = read_target(a, name, one);
  return n >= 0 && n == read_target(b, name, other) && memcmp(one, other, (size_t)n) == 0;
}

static void put_change(int kind, const struct stat *st, const char *target, size_t target_length) {
  struct change head = {.kind = (uint8_t)kind, .path_length = (uint16_t)strlen(path), .target_length = (uint16_t)target_length};
  if (st) {
    head.mode = st->st_mode & 07777;
    head.seconds = st->st_mtim.tv_sec;
    head.nanoseconds = (uint32_t)st->st_mtim.tv_nsec;
    head.size = (uint64_t)st->st_size;
  }
  put(&head, sizeof head);
  put(path, head.path_length);
  put(target, target_length);
}

static void put_file(int at, const char *name) {
  static char buffer[MAX_PART];
  struct stat st;
  int fd = open_file(at, name, &st);
  if (fd < 0) return; /* it has gone */
  put_change(FILE_HEAD, &st, "", 0);
  for (off_t from = next_data(fd, 0, st.st_size); from < st.st_size; from = next_data(fd, from, st.st_size)) {
    size_t want = st.st_size - from < MAX_PART ? (size_t)(st.st_size - from) : MAX_PART;
    ssize_t n = pread(fd, buffer, want, from);
    if (n < 0) stop("read a file");
    if (n == 0) break; /* it has become shorter */
    struct part part = {.offset = (uint64_t)from, .length = (uint32_t)n};
    put(&part, sizeof part);
    put(buffer, (size_t)n);
    from += n;
  }
  put(&(struct part){0}, sizeof(struct part));
  close(fd);
}

/* Something of this sandbox that the other has not, or has otherwise; a directory's end comes behind what is in it. */
static void put_own(int at, const char *name, const struct stat *st) {
  char target[MAX_PATH];
  if (S_ISREG(st->st_mode)) return put_file(at, name);
  if (S_ISDIR(st->st_mode)) return put_change(DIRECTORY, st, "", 0);
  ssize_t n = read_target(at, name, target);
  if (n >= 0) put_change(LINK, st, target, (size_t)n);
}

static void tell(char kind, int at, const char *name, const struct stat *st) {
  if (kind != 'R') total += (unsigned long long)st->st_blocks * 512 + 4096;
  if (!with_content) {
    put(&kind, 1);
    put(path, strlen(path) + 1);
  } else if (kind == 'R') {
    put_change(REMOVE, NULL, "", 0);
  } else {
    put_own(at, name, st);
  }
}

static void walk(struct side a, struct side b, int depth);

static void compare(struct side a, struct side b, const char *name, int depth) {
  struct stat x, y;
  mode_t mine = look(a.seen, name, &x), theirs = look(b.seen, name, &y);
  if (mine == 0 && theirs == 0) return;
  int is_usr = depth == 0 && strcmp(name, "usr") == 0;
  if (mine && theirs && !is_usr && !is_named(a.upper, name) && !is_named(b.upper, name)) return;
  size_t length = strlen(path);
  if (length + 1 + strlen(name) > MAX_PATH || depth == MAX_DEPTH) {
    errno = depth == MAX_DEPTH ? ELOOP : ENAMETOOLONG;
    if (with_content) stop("look into a directory");
    put("T", 1);
    put(path, length + 1);
    return;
  }
  path[length] = '/';
  strcpy(path + length + 1, name);
  int is_told = 0;
  if (!theirs) is_told = 'A';
  else if (!mine) is_told = 'R';
  else if (mine != theirs || (mine != S_IFLNK && ((x.st_mode ^ y.st_mode) & 07777))) is_told = 'M';
  else if (mine == S_IFREG && (x.st_size != y.st_size || !is_same_file(a, b, name))) is_told = 'M';
  else if (mine == S_IFLNK && !is_same_link(a.seen, b.seen, name)) is_told = 'M';
  if (is_told) tell((char)is_told, a.seen, name, &x);
  else if (with_content && mine == S_IFDIR) put_change(PASS, &x, "", 0);
  if (mine == S_IFDIR || (theirs == S_IFDIR && !with_content)) {
    struct side below_a = {.seen = mine == S_IFDIR ? open_directory(a.seen, name) : -1};
    struct side below_b = {.seen = theirs == S_IFDIR ? open_directory(b.seen, name) : -1};
    below_a.upper = open_directory(is_usr ? usr_upper[0] : a.upper, is_usr ? "." : name);
    below_b.upper = open_directory(is_usr ? usr_upper[1] : b.upper, is_usr ? "." : name);
    walk(below_a, below_b, depth + 1);
    int fds[] = {below_a.seen, below_a.upper, below_b.seen, below_b.upper};
    for (size_t i = 0; i < 4; i++)
      if (fds[i] >= 0) close(fds[i]);
  }
  if (with_content && mine == S_IFDIR) put_change(is_told ? LEAVE : LEFT, &x, "", 0);
  path[length] = 0;
}

static void walk(struct side a, struct side b, int depth) {
  struct names all = names_of(a, b);
  for (size_t i = 0; i < all.count; i++) {
    if (depth > 0 || !is_left_out(all.name[i])) compare(a, b, all.name[i], depth);
    free(all.name[i]);
  }
  free(all.name);
}

static int open_in(int at, const char *name) {
  int fd = open_directory(at, name);
  if (fd < 0) stop("open a sandbox's root");
  return fd;
}

int compare_roots(char **argv) {
  signal(SIGPIPE, SIG_DFL); /* who has read enough closes the pipe */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL)) return 1;
  with_content = strcmp(argv[0], "content") == 0;
  since = (time_t)strtoll(argv[3], NULL, 10);
  struct rlimit files = {4096, 4096}, memory = {MAX_MEMORY, MAX_MEMORY};
  if (setrlimit(RLIMIT_NOFILE, &files) || setrlimit(RLIMIT_AS, &memory)) stop("set limits");
  struct side side[2];
  for (int i = 0; i < 2; i++) {
    int base = open_in(AT_FDCWD, argv[1 + i]), disk = open_in(base, "d");
    side[i] = (struct side){.seen = open_in(base, "r"), .upper = open_in(disk, "a")};
    usr_upper[i] = open_in(disk, "c");
  }
  walk(side[0], side[1], 0);
  if (with_content) {
    put_change(WHOLE, NULL, "", 0);
  } else {
    printf("E%llu", total);
    put("", 1);
  }
  return fflush(stdout) ? 1 : 0;
}
