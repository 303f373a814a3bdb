/* What becomes of a process when it executes a program: the new image continues its span. Each of libc's ways to execute has a
   wrapper of its own, since libc's own calls among them cannot be seen from outside.

   A program usually hands its environment on as it found it, with the span it was started with. Where it forked since, the parent
   is another: that is put right here. A TRACEPARENT that the program chose itself is left as it is. */
#include "spans.h"

#include <alloca.h>
#include <dlfcn.h>
#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_VARIABLES = 8192, MAX_LISTED = 4096 };

struct handover {
  char traceparent[sizeof TRACEPARENT + TRACEPARENT_LENGTH + 1];
  char span[96 + 2 * MAX_PAST];
};

typedef int execve_function(const char *, char *const *, char *const *);
typedef int fexecve_function(int, char *const *, char *const *);
typedef int spawn_function(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const *,
                           char *const *);

static char *put_number(char *to, uint64_t value) {
  char digits[20];
  int n = 0;
  do digits[n++] = (char)('0' + value % 10);
  while (value /= 10);
  while (n) *to++ = digits[--n];
  return to;
}

static void write_handover(char *to, char kind, pid_t pid, const struct span *span, const struct past *before) {
  to = stpcpy(to, HANDOVER "=");
  *to++ = kind;
  to = put_number(to, (uint64_t)pid);
  *to++ = '.';
  to = write_hex(to, span->id, sizeof span->id);
  *to++ = '.';
  to = put_number(to, span->start);
  *to++ = '.';
  if (before) to = write_hex(to, before->bytes, before->size);
  *to = 0;
}

static size_t count(char *const *list) {
  size_t n = 0;
  while (list && list[n] && n < MAX_VARIABLES) n++;
  return n;
}

/* The environment with what `handover` holds in it, in `room` for two pointers more than it has: the span's and the NULL. */
static char *const *replace(char *const *environment, char **room, struct handover *handover) {
  char **to = room;
  if (handover->span[0]) *to++ = handover->span;
  for (; *environment; environment++) {
    if (!strncmp(*environment, HANDOVER "=", sizeof HANDOVER)) continue;
    bool is_parent = handover->traceparent[0] && !strncmp(*environment, TRACEPARENT "=", sizeof TRACEPARENT);
    *to++ = is_parent ? handover->traceparent : *environment;
  }
  *to = NULL;
  return room;
}

static void set_parent(struct handover *handover, const uint8_t trace[16], const uint8_t parent[8]) {
  memcpy(handover->traceparent, TRACEPARENT "=", sizeof TRACEPARENT);
  write_traceparent(handover->traceparent + sizeof TRACEPARENT, trace, parent);
}

/* Decides what the image is told, and which span it is to be. Returns false where the environment goes as it is. */
static bool hand_over(struct handover *handover, struct span *span, char *const *environment) {
  handover->traceparent[0] = handover->span[0] = 0;
  if (image.confined) {
    stpcpy(handover->span, HANDOVER "=off");
    return true;
  }
  const char *given = variable(environment, TRACEPARENT);
  if (!image.port || !given) return false;
  bool is_own = image.traced && !strcmp(given, image.traceparent);
  struct past grown;
  const struct past *before = NULL;
  *span = image.span;
  if (!is_own && !read_traceparent(given, span)) return false;
  pid_t pid = getpid();
  bool is_here = pid == image.span.pid;
  if (is_here && !image.traced && !image.span.forked) return false;
  if (is_here && !(image.traced && image.has_children)) before = &past;
  else {
    if (!is_here) prepare_children(); /* after a vfork, in memory that is the parent's */
    else grow_past(&grown), before = &grown;
    new_id(span->id);
    span->start = clock_ns();
    span->pid = pid;
    span->parent_pid = getppid();
    if (is_own) memcpy(span->parent, image.span.id, sizeof span->parent);
  }
  span->forked = false;
  if (is_own) set_parent(handover, span->trace, span->parent);
  write_handover(handover->span, 's', pid, span, before);
  return true;
}

/* Whether its parent is to know it as the program that it becomes. Of one that is continued in its place it knows the id. */
static bool is_new(const struct span *span) {
  bool is_here = span->pid == image.span.pid;
  return !image.confined && (!is_here || (image.span.forked && !memcmp(span->id, image.span.id, sizeof span->id)));
}

/* Declares `handed`, the environment to execute with, in the caller's frame: there is no other memory to be had. */
#define HAND_OVER(path, argv, environment)                                                        \
  struct handover handover;                                                                       \
  struct span span;                                                                               \
  char *const *handed = (environment);                                                            \
  size_t variables = count(handed);                                                               \
  if (handed && variables < MAX_VARIABLES && hand_over(&handover, &span, handed)) {               \
    handed = replace(handed, alloca((variables + 2) * sizeof *handed), &handover);                \
    if (is_new(&span)) announce(&span, path, argv);                                                \
  }

EXPORTED int execve(const char *path, char *const argv[], char *const environment[]) {
  HAND_OVER(path, argv, environment)
  return (int)syscall(SYS_execve, path, argv, handed);
}

EXPORTED int execv(const char *path, char *const argv[]) {
  return execve(path, argv, environ);
}

EXPORTED int execvpe(const char *file, char *const argv[], char *const environment[]) {
  static execve_function *real;
  if (!real) real = (execve_function *)dlsym(RTLD_NEXT, "execvpe");
  HAND_OVER(file, argv, environment)
  return real(file, argv, handed);
}

EXPORTED int execvp(const char *file, char *const argv[]) {
  return execvpe(file, argv, environ);
}

EXPORTED int fexecve(int fd, char *const argv[], char *const environment[]) {
  static fexecve_function *real;
  if (!real) real = (fexecve_function *)dlsym(RTLD_NEXT, "fexecve");
  HAND_OVER(argv[0] ? argv[0] : "", argv, environment)
  return real(fd, argv, handed);
}

EXPORTED int execveat(int fd, const char *path, char *const argv[], char *const environment[], int flags) {
  HAND_OVER(path, argv, environment)
  return (int)syscall(SYS_execveat, fd, path, argv, handed, flags);
}

/* Evaluates to the arguments of an execl as an array; `list` stands behind their NULL. */
#define LISTED(first, list)                                            \
  ({                                                                   \
    size_t n_ = 1;                                                     \
    va_list counted_;                                                  \
    va_copy(counted_, list);                                           \
    while (n_ < MAX_LISTED && va_arg(counted_, char *)) n_++;          \
    va_end(counted_);                                                  \
    char **argv_ = alloca((n_ + 1) * sizeof *argv_);                   \
    argv_[0] = (char *)(first);                                        \
    for (size_t i_ = 1; i_ <= n_; i_++) argv_[i_] = va_arg(list, char *); \
    argv_[n_] = NULL;                                                  \
    argv_;                                                             \
  })

EXPORTED int execl(const char *path, const char *first, ...) {
  va_list list;
  va_start(list, first);
  char **argv = LISTED(first, list);
  va_end(list);
  return execve(path, argv, environ);
}

EXPORTED int execlp(const char *file, const char *first, ...) {
  va_list list;
  va_start(list, first);
  char **argv = LISTED(first, list);
  va_end(list);
  return execvpe(file, argv, environ);
}

EXPORTED int execle(const char *path, const char *first, ...) {
  va_list list;
  va_start(list, first);
  char **argv = LISTED(first, list);
  char *const *environment = va_arg(list, char *const *);
  va_end(list);
  return execve(path, argv, environment);
}

/* The child's pid is not known yet: it knows itself by its parent's. */
static int spawn(spawn_function *real, pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const environment[]) {
  struct handover handover;
  struct span span = image.span;
  pid_t own;
  size_t n = count(environment);
  handover.traceparent[0] = 0;
  const char *given = environment && image.port && !image.confined ? variable(environment, TRACEPARENT) : NULL;
  bool is_own = given && image.traced && !strcmp(given, image.traceparent);
  if (!given || n == MAX_VARIABLES || image.span.pid != getpid() || (!is_own && !read_traceparent(given, &span)))
    return real(pid, path, actions, attributes, argv, environment);
  if (is_own) {
    memcpy(span.parent, image.span.id, sizeof span.parent);
    set_parent(&handover, span.trace, span.parent);
  }
  new_id(span.id);
  span.start = clock_ns();
  span.parent_pid = image.span.pid;
  span.forked = false;
  write_handover(handover.span, 'p', image.span.pid, &span, NULL);
  char **room = alloca((n + 3) * sizeof *room);
  prepare_children();
  int failed = real(pid ? pid : &own, path, actions, attributes, argv, replace(environment, room, &handover));
  if (!failed) {
    span.pid = pid ? *pid : own;
    announce(&span, path, argv);
  }
  return failed;
}

EXPORTED int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                         char *const argv[], char *const environment[]) {
  static spawn_function *real;
  if (!real) real = (spawn_function *)dlsym(RTLD_NEXT, "posix_spawn");
  return spawn(real, pid, path, actions, attributes, argv, environment);
}

EXPORTED int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                          char *const argv[], char *const environment[]) {
  static spawn_function *real;
  if (!real) real = (spawn_function *)dlsym(RTLD_NEXT, "posix_spawnp");
  return spawn(real, pid, file, actions, attributes, argv, environment);
}

/* A program that gives up system calls may be ended by ours: neither it nor what it starts reports any more. */
EXPORTED int prctl(int option, ...) {
  va_list list;
  unsigned long a[4];
  va_start(list, option);
  for (int i = 0; i < 4; i++) a[i] = va_arg(list, unsigned long);
  va_end(list);
  if (option == PR_SET_SECCOMP) image.confined = true;
  return (int)syscall(SYS_prctl, option, a[0], a[1], a[2], a[3]);
}

EXPORTED int seccomp_load(void *filter) {
  int (*real)(void *) = (int (*)(void *))dlsym(RTLD_NEXT, "seccomp_load");
  if (!real) return -ENOSYS;
  image.confined = true;
  return real(filter);
}
