#ifndef SANDGLASS_AGENT_H
#define SANDGLASS_AGENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Frames, both ways: u32 length of what follows (little endian), u8 type, u32 process id (the host's choice), payload.
   packages/runtime/src/agent/frames.ts holds the same table. */
enum {
  /* host -> agent */
  FORK = 1,     /* -                    prepare a process that waits for START */
  START = 2,    /* see start_process    */
  DATA = 3,     /* u8 channel, bytes    to stdin or to the control channel */
  END = 4,      /* u8 channel           close it behind what was sent */
  CREDIT = 5,   /* u32 bytes            the host takes that much more output */
  SIGNAL = 6,   /* u8 number            to the process group */
  ANSWER = 7,   /* u32 bytes            the host takes that much more from the control channel */
  PING = 8,     /* -                    answered with PONG */
  /* agent -> host */
  HELLO = 64,   /* u32 version */
  FORKED = 65,  /* u32 pid in the sandbox's pid namespace */
  STARTED = 66, /* - */
  FAILED = 67,  /* u32 errno, with FAILED_CWD added where the working directory was the trouble */
  OUTPUT = 68,  /* u8 channel, bytes */
  EXITED = 69,  /* u32 code, u32 signal, u64 user us, u64 system us, u64 max RSS KiB */
  TAKEN = 70,   /* u8 channel, u32 bytes of DATA passed on */
  PONG = 71,    /* - */
};
enum { STDIN, STDOUT, STDERR, CONTROL_IN, CONTROL_OUT, CHANNELS };
enum { WITH_STDIN = 1, WITH_CONTROL = 2, BUILTIN = 4 };
enum { VERSION = 2, CHUNK = 128 * 1024, MAX_FRAME = 1024 * 1024, INPUT_WINDOW = 256 * 1024, FAILED_CWD = 0x10000, MAX_PROCESSES = 512 };

struct process {
  uint32_t id;
  pid_t pid;
  int fd[CHANNELS]; /* our ends; -1 when closed */
  uint32_t watched[CHANNELS];
  int spec;         /* START's payload goes here, to the waiting child */
  int verdict;      /* closed by a successful exec, else carries errno */
  int started, exited, announced, orphaned;
  uint32_t credit, control_credit;
  struct {
    char *bytes;
    size_t at, held;
    int ended;
  } input[2]; /* STDIN, CONTROL_IN */
  uint32_t code, signal;
  uint64_t user_us, system_us, rss_kib;
};

/* process.c */
int fork_process(struct process *p);
void run_child(int spec, int verdict, int fds[CHANNELS]) __attribute__((noreturn));
/* filter.c: puts this process under the seccomp program (struct sock_filter, one after the other) in a file. 0, or -1. */
int install_filter(const char *path);
/* files.c: the file operations, run as a process inside the sandbox so that every path is resolved there. Returns an exit code. */
int run_file_operation(int argc, char **argv);
/* apply.c: carries out a stream of changes on stdin. Returns an exit code. */
int apply_changes(void);

#endif
