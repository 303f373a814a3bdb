/* The life of a process: what it is at its start, what becomes of it in a fork, and its report when it exits. */
#include "spans.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

struct image image;
struct past past;
static struct arguments arguments;
static uint8_t encoded[MAX_ENCODED_ARGUMENTS];
static atomic_bool reported;

static void keep(char *to, size_t size, const char *text) {
  if (text) copy_text(to, size, text, strnlen(text, size), NULL);
}

/* Only of the sandbox itself: "http://127.0.0.1:4318" and the like. */
static uint16_t read_port(const char *endpoint) {
  static const char prefix[] = "http://127.0.0.1:";
  if (!endpoint || strncmp(endpoint, prefix, sizeof prefix - 1)) return 0;
  char *end;
  unsigned long port = strtoul(endpoint + sizeof prefix - 1, &end, 10);
  return port <= 65535 && (*end == 0 || *end == '/') ? (uint16_t)port : 0;
}

/* "<s|p><pid>.<span>.<start>.<past>": `s` for the process of this pid, `p` for one whose parent it is. Whatever else it is was
   meant for a program that did not take it. */
static bool read_handover(const char *text, struct span *span) {
  if (text[0] != 's' && text[0] != 'p') return false;
  char *end;
  long pid = strtol(text + 1, &end, 10);
  if (pid != (text[0] == 's' ? span->pid : span->parent_pid) || *end != '.' || strnlen(end, 18) < 18) return false;
  if (!read_hex(end + 1, span->id, 8) || end[17] != '.') return false;
  span->start = strtoull(end + 18, &end, 10);
  if (*end++ != '.') return false;
  size_t n = strlen(end) / 2;
  bool is_sound = n <= sizeof past.bytes && (n == 0 || read_hex(end, past.bytes, n));
  past.size = is_sound ? (uint16_t)n : 0;
  return true;
}

/* The value is overwritten where it stands, which needs no memory and shows in /proc/self/environ as well. */
static void put_in_environment(char **environment) {
  char *value = (char *)variable(environment, TRACEPARENT);
  if (value) memcpy(value, image.traceparent, TRACEPARENT_LENGTH);
}

/* It was put first, so that nothing moves: some programs look for what lies behind the environment. */
static void take_out(char **environment, const char *name) {
  size_t n = strlen(name);
  if (environ == environment && !strncmp(*environment, name, n)) {
    environ++;
    return;
  }
  char **to = environment;
  for (char **from = environment; *from; from++)
    if (strncmp(*from, name, n) || (*from)[n] != '=') *to++ = *from;
  *to = NULL;
}

static void describe(char *const argv[]) {
  char path[4096];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  if (n > 0) path[n] = 0;
  else { /* no /proc here */
    const char *given = (const char *)getauxval(AT_EXECFN);
    if (!given) given = argv[0] ? argv[0] : "";
    n = (ssize_t)strnlen(given, sizeof path - 1);
    memcpy(path, given, (size_t)n);
    path[n] = 0;
  }
  keep(image.path, sizeof image.path, path);
  keep(image.name, sizeof image.name, base_name(path));
  if (getcwd(path, sizeof path)) keep(image.directory, sizeof image.directory, path);
  encode_arguments(argv, encoded, sizeof encoded, &arguments);
}

/* Programs of Go leave by a system call of their own, and start others so: a span of theirs would never be sent, and its children's
   parent would be missing. They have a note of this name. */
static bool is_go(void) {
  const Elf64_Phdr *header = (const Elf64_Phdr *)getauxval(AT_PHDR);
  size_t n = getauxval(AT_PHNUM);
  uintptr_t base = 0;
  bool is_placed = false;
  for (size_t i = 0; header && i < n; i++) {
    if (header[i].p_type != PT_PHDR) continue;
    base = (uintptr_t)header - header[i].p_vaddr;
    is_placed = true;
  }
  for (size_t i = 0; is_placed && i < n; i++) {
    if (header[i].p_type != PT_NOTE) continue;
    const uint8_t *at = (const uint8_t *)(base + header[i].p_vaddr), *end = at + header[i].p_memsz;
    while ((size_t)(end - at) >= sizeof(Elf64_Nhdr) + 4) {
      const Elf64_Nhdr *note = (const Elf64_Nhdr *)at;
      if (note->n_namesz == 4 && !memcmp(at + sizeof *note, "Go\0", 4)) return true;
      size_t size = sizeof *note + ((note->n_namesz + 3u) & ~3u) + ((note->n_descsz + 3u) & ~3u);
      if (size > (size_t)(end - at)) break;
      at += size;
    }
  }
  return false;
}

static void report_own(int code) {
  if (!image.traced || image.confined || image.span.pid != getpid() || atomic_exchange(&reported, true)) return;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  struct ending ending = {
      .code = code & 0xff, .name = image.name, .path = image.path, .directory = image.directory,
      .arguments = &arguments, .encoded = encoded, .has_usage = true, .max_rss = (uint64_t)usage.ru_maxrss * 1024,
      .user_us = (uint64_t)usage.ru_utime.tv_sec * 1000000 + (uint64_t)usage.ru_utime.tv_usec,
      .system_us = (uint64_t)usage.ru_stime.tv_sec * 1000000 + (uint64_t)usage.ru_stime.tv_usec};
  /* What getrusage says survives exec: a small program started by a large one would be as large. */
  char status[2048];
  int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? 0 : read(fd, status, sizeof status - 1);
  if (fd >= 0) close(fd);
  status[n > 0 ? n : 0] = 0;
  const char *peak = strstr(status, "VmHWM:");
  if (peak) ending.max_rss = strtoull(peak + 6, NULL, 10) * 1024;
  report(&image.span, &ending, &past, true);
  if (image.span.forked) withdraw(image.span.pid);
}

void grow_past(struct past *grown) {
  static const struct arguments none = {0, true};
  struct ending ending = {.replaced = true, .name = image.name, .path = image.path, .directory = image.directory,
                          .arguments = &arguments, .encoded = encoded};
  size_t room = sizeof grown->bytes - past.size, n = write_span(grown->bytes, room, &image.span, &ending);
  if (!n) {
    ending.arguments = &none;
    n = write_span(grown->bytes, room, &image.span, &ending);
  }
  memmove(grown->bytes, grown->bytes + room - n, n);
  memcpy(grown->bytes + n, past.bytes, past.size);
  grown->size = (uint16_t)(n + past.size);
}

static void on_normal_exit(int code, void *nothing) {
  (void)nothing;
  int saved = errno;
  report_own(code);
  errno = saved;
}

/* Many programs, and every shell's child that could not execute, leave without the exit handlers. */
EXPORTED __attribute__((noreturn)) void _exit(int code) {
  report_own(code);
  for (;;) syscall(SYS_exit_group, code);
}

EXPORTED __attribute__((noreturn)) void _Exit(int code) {
  _exit(code);
}

EXPORTED __attribute__((noreturn)) void quick_exit(int code) {
  void (*real)(int) = (void (*)(int))dlsym(RTLD_NEXT, "quick_exit");
  report_own(code);
  if (real) real(code);
  for (;;) syscall(SYS_exit_group, code);
}

/* In the child of a fork, not of a vfork or a spawn. Its span is sent only if it exits as it is: an exec takes the id along. */
static void begin_forked(void) {
  struct span span = image.span;
  const char *given = variable(environ, TRACEPARENT);
  forget_report_under_way();
  atomic_store(&reported, false);
  past.size = 0;
  image.has_children = false;
  if (image.traced && (!given || !strcmp(given, image.traceparent))) memcpy(span.parent, image.span.id, 8);
  else if ((image.traced = read_traceparent(given, &span))) /* set since, as for a REPL's cell */
    memcpy(image.traceparent, given, TRACEPARENT_LENGTH + 1);
  new_id(span.id);
  span.start = clock_ns();
  span.pid = getpid();
  span.parent_pid = getppid();
  span.forked = true;
  image.span = span;
  if (image.traced) announce(&span, NULL, NULL);
}

__attribute__((constructor)) static void begin(int argc, char **argv, char **envp) {
  (void)argc;
  const char *handover = variable(envp, HANDOVER);
  if (handover && !strcmp(handover, "off")) {
    image.confined = true; /* a system call might end the program: none from here on */
    return;
  }
  int saved = errno;
  struct span *span = &image.span;
  span->pid = getpid();
  span->parent_pid = getppid();
  const char *given = variable(envp, TRACEPARENT);
  image.port = read_port(variable(envp, "OTEL_EXPORTER_OTLP_ENDPOINT"));
  image.traced = image.port && read_traceparent(given, span) && !is_go();
  if (image.port) {
    keep(image.service, sizeof image.service, variable(envp, "OTEL_SERVICE_NAME"));
    keep(image.resource, sizeof image.resource, variable(envp, "OTEL_RESOURCE_ATTRIBUTES"));
    const char *tracestate = variable(envp, "TRACESTATE");
    if (tracestate && strnlen(tracestate, sizeof image.tracestate) < sizeof image.tracestate)
      keep(image.tracestate, sizeof image.tracestate, tracestate);
    describe(argv);
    pthread_atfork(prepare_children, NULL, begin_forked);
    on_exit(on_normal_exit, NULL);
  }
  if (image.traced) {
    if (!handover || !read_handover(handover, span)) {
      new_id(span->id);
      span->start = clock_ns();
    }
    write_traceparent(image.traceparent, span->trace, span->id);
    put_in_environment(envp);
  }
  if (handover) take_out(envp, HANDOVER);
  errno = saved;
}
