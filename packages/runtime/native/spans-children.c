/* What a program knows of the processes it started, for those that a signal ends: such a process says nothing any more, and what it
   executed had no memory in common with its parent. The table is shared by a program and its forks until they execute another. */
#include "spans.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_CHILDREN = 64 };

struct child {
  struct span span;
  char name[MAX_NAME], path[256];
  struct arguments arguments;
  uint8_t encoded[MAX_CHILD_ARGUMENTS];
};

struct table {
  _Atomic pid_t pids[MAX_CHILDREN]; /* 0 where it is free, negative while it is filled in; apart, for a page that is looked at is memory */
  struct child children[MAX_CHILDREN];
};

static struct table *_Atomic table;
static atomic_uint next;

/* In the parent, before a fork; pages that nobody writes to cost nothing. */
void prepare_children(void) {
  image.has_children = true;
  if (atomic_load(&table) || image.confined) return;
  int saved = errno;
  void *made = mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  struct table *none = NULL;
  if (made != MAP_FAILED && !atomic_compare_exchange_strong(&table, &none, made)) munmap(made, sizeof(struct table));
  errno = saved;
}

/* Returns its place, or -1. */
static int find(pid_t pid) {
  struct table *known = atomic_load(&table);
  for (int i = 0; known && i < MAX_CHILDREN; i++)
    if (atomic_load(&known->pids[i]) == pid) return i;
  return -1;
}

/* The place that it has already, a free one, or else that of one of the others, of which nothing will be said then. */
static int claim(pid_t pid) {
  struct table *known = atomic_load(&table);
  int own = find(pid);
  if (own >= 0 || !known) return own;
  for (int i = 0; i < MAX_CHILDREN; i++) {
    pid_t nobody = 0;
    if (atomic_compare_exchange_strong(&known->pids[i], &nobody, -pid)) return i;
  }
  own = (int)(atomic_fetch_add(&next, 1) % MAX_CHILDREN);
  atomic_store(&known->pids[own], -pid);
  return own;
}

void announce(const struct span *span, const char *path, char *const argv[]) {
  int place = claim(span->pid);
  if (place < 0) return;
  struct table *known = atomic_load(&table);
  struct child *child = &known->children[place];
  child->span = *span;
  if (path) {
    copy_text(child->path, sizeof child->path, path, strnlen(path, sizeof child->path), NULL);
    const char *name = base_name(path);
    copy_text(child->name, sizeof child->name, name, strnlen(name, sizeof child->name), NULL);
    encode_arguments(argv, child->encoded, sizeof child->encoded, &child->arguments);
    child->span.forked = false;
  } else {
    child->path[0] = 0;
    memcpy(child->name, image.name, sizeof child->name);
    child->arguments = (struct arguments){0, false};
  }
  atomic_store(&known->pids[place], span->pid);
}

void withdraw(pid_t pid) {
  int place = find(pid);
  if (place >= 0) atomic_store(&atomic_load(&table)->pids[place], 0);
}

/* Called with what a wait gave, in a signal handler as well. Those that exited have spoken for themselves. */
static void ended(pid_t pid, int signal, const struct rusage *usage) {
  int place = find(pid);
  if (place < 0) return;
  struct child *child = &atomic_load(&table)->children[place];
  if (signal && !image.confined) {
    int saved = errno;
    struct ending ending = {.code = 128 + signal, .signal = signal, .name = child->name, .path = "", .directory = "",
                            .arguments = &child->arguments, .encoded = child->encoded};
    if (child->path[0] == '/') ending.path = child->path;
    if (usage) {
      ending.has_usage = true;
      ending.max_rss = (uint64_t)usage->ru_maxrss * 1024;
      ending.user_us = (uint64_t)usage->ru_utime.tv_sec * 1000000 + (uint64_t)usage->ru_utime.tv_usec;
      ending.system_us = (uint64_t)usage->ru_stime.tv_sec * 1000000 + (uint64_t)usage->ru_stime.tv_usec;
    }
    report(&child->span, &ending, NULL, false);
    errno = saved;
  }
  withdraw(pid);
}

static void ended_with(pid_t pid, int status, const struct rusage *usage) {
  if (pid <= 0 || (!WIFEXITED(status) && !WIFSIGNALED(status))) return; /* stopped or continued */
  ended(pid, WIFSIGNALED(status) ? WTERMSIG(status) : 0, usage);
}

typedef pid_t wait4_function(pid_t, int *, int, struct rusage *);
typedef int waitid_function(idtype_t, id_t, siginfo_t *, int);

EXPORTED pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage) {
  static wait4_function *real;
  int own_status = 0;
  struct rusage own_usage;
  if (!real) real = (wait4_function *)dlsym(RTLD_NEXT, "wait4");
  pid_t waited = real(pid, &own_status, options, usage ? usage : &own_usage);
  if (waited <= 0) return waited;
  if (status) *status = own_status;
  ended_with(waited, own_status, usage ? usage : &own_usage);
  return waited;
}

EXPORTED pid_t waitpid(pid_t pid, int *status, int options) {
  return wait4(pid, status, options, NULL);
}

EXPORTED pid_t wait3(int *status, int options, struct rusage *usage) {
  return wait4(-1, status, options, usage);
}

EXPORTED pid_t wait(int *status) {
  return wait4(-1, status, 0, NULL);
}

EXPORTED int waitid(idtype_t type, id_t id, siginfo_t *info, int options) {
  static waitid_function *real;
  siginfo_t own;
  if (!real) real = (waitid_function *)dlsym(RTLD_NEXT, "waitid");
  own.si_pid = 0;
  siginfo_t *to = info ? info : &own;
  int failed = real(type, id, to, options);
  if (!failed && to->si_pid > 0 && !(options & WNOWAIT)) {
    bool is_signal = to->si_code == CLD_KILLED || to->si_code == CLD_DUMPED;
    if (is_signal || to->si_code == CLD_EXITED) ended(to->si_pid, is_signal ? to->si_status : 0, NULL);
  }
  return failed;
}
