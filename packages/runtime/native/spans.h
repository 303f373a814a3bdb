/* libsandglass-spans: preloaded into the programs of a sandbox, it reports one span for every process.

   A span is a process: it begins with the fork (or the spawn) that made it and is sent when the process exits, described as the
   program that it is then: `env x`, or `sh -c x`, is x. Only a program that has started others, and then executes another in its own
   place, has a span of its own that ends there, with the other's below it. What cannot report itself, for a signal ended it, is
   reported by its parent when that waits for it.

   The library shares its process with programs that know nothing of it: it allocates nothing, holds no descriptor open, starts no
   thread, writes nowhere but to its own socket, and may be called in a signal handler or between vfork and exec. Whatever it
   cannot do it leaves out. What it sends comes from inside the sandbox and is trusted no more than anything else from there. */
#ifndef SANDGLASS_SPANS_H
#define SANDGLASS_SPANS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
  MAX_ARGUMENTS = 32,
  MAX_ARGUMENT = 256, /* bytes of one, its mark of truncation not counted */
  MAX_PATH_TEXT = 1024,
  MAX_NAME = 64,
  MAX_CHILD_ARGUMENTS = 640,
  MAX_PAST = 2048,
  MAX_ENCODED_ARGUMENTS = MAX_ARGUMENTS * (MAX_ARGUMENT + 16),
  TRACEPARENT_LENGTH = 55,
};

#define TRACEPARENT "TRACEPARENT"
/* How an image is told which span it continues; the image takes it out of its environment. "off" where nothing may be reported. */
#define HANDOVER "SANDGLASS_PROCESS_SPAN"

struct span {
  uint8_t trace[16], parent[8], id[8];
  uint64_t start; /* ns since the epoch */
  pid_t pid, parent_pid;
  bool forked; /* runs the program of the process that forked it */
};

/* The elements of an OTLP ArrayValue, redacted. */
struct arguments {
  uint16_t size;
  bool truncated;
};

/* What a report says beside the span. */
struct ending {
  int code, signal; /* signal 0: it exited */
  bool replaced;    /* by another program in the same process, instead of both */
  const char *name, *path, *directory; /* "" is left out */
  const struct arguments *arguments;
  const uint8_t *encoded;
  bool has_usage;
  uint64_t max_rss, user_us, system_us;
};

/* spans.c */
struct image {
  bool traced; /* `span` is this process's */
  bool confined;
  bool has_children; /* this program, or the same after a fork, started others */
  uint16_t port;
  struct span span;
  char traceparent[TRACEPARENT_LENGTH + 1]; /* what this program has in its environment: the span it was started with */
  char name[MAX_NAME], path[MAX_PATH_TEXT], directory[MAX_PATH_TEXT];
  char tracestate[513], service[256], resource[1024];
};
extern struct image image;

/* Spans of programs that this process was before, as elements of ScopeSpans. */
struct past {
  uint16_t size;
  uint8_t bytes[MAX_PAST];
};
extern struct past past;
/* The past of what this process executes next, this program included. */
void grow_past(struct past *grown);

/* spans-text.c */
uint64_t clock_ns(void);
void new_id(uint8_t id[8]);
/* Reads a valid, sampled traceparent into trace and parent. */
bool read_traceparent(const char *text, struct span *span);
void write_traceparent(char text[TRACEPARENT_LENGTH + 1], const uint8_t trace[16], const uint8_t span[8]);
/* Returns false where it is no lower-case hex, or all zero. */
bool read_hex(const char *text, uint8_t *to, size_t n);
/* Returns the end of what it wrote, which has no NUL. */
char *write_hex(char *to, const uint8_t *from, size_t n);
const char *variable(char *const *environment, const char *name);
/* Returns the number of bytes: text that is valid UTF-8 however the source looks, ended by a NUL, cut where it does not fit. */
size_t copy_text(char *to, size_t size, const char *from, size_t n, bool *cut);
const char *base_name(const char *path);

/* spans-redact.c */
void encode_arguments(char *const argv[], uint8_t *encoded, size_t size, struct arguments *arguments);

/* spans-children.c */
void prepare_children(void);
/* The child tells its parent, who it is; the path and the arguments are those of what it executes, or NULL. */
void announce(const struct span *span, const char *path, char *const argv[]);
void withdraw(pid_t pid);

/* spans-report.c */
/* Sends one span, and a past where there is one. At most one report at a time: with `patient` it waits for its turn. */
void report(const struct span *span, const struct ending *ending, const struct past *before, bool patient);
/* Writes a span as an element of ScopeSpans to the end of `to`; returns its size, 0 where it does not fit. */
size_t write_span(uint8_t *to, size_t size, const struct span *span, const struct ending *ending);
void forget_report_under_way(void);

/* spans-send.c */
/* With `may_fork` also where the program has no descriptor left to be had. */
void send_request(uint16_t port, const void *request, size_t n, bool may_fork);

#define EXPORTED __attribute__((visibility("default")))
#endif
