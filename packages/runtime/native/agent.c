/* sandglass agent: process 1 of every sandbox. It starts processes when the host says so, carries their bytes, and says how
   they ended; it decides nothing. The host treats all of it as hostile: whoever corrupts the agent has a sandbox that talks
   nonsense, no more.

   One thread, one epoll. Descriptor 3 is a stream socket to the host. Output of a process is read only while the host has
   given credit for it and our own queue to the host is short, so a slow reader stops the writer and nothing grows. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOST = 3, QUEUE_HIGH = 512 * 1024, HEADER = 9, MAX_PENDING_SIGNALS = 4096 };

static struct process *processes[MAX_PROCESSES];
static int epoll, children;
static char *queue; /* to the host */
static size_t queue_at, queue_held, queue_size;
static char *inbox;
static size_t inbox_held;

static void watch(int fd, uint32_t events, uint64_t tag, int operation) {
  struct epoll_event event = {.events = events, .data.u64 = tag};
  epoll_ctl(epoll, operation, fd, &event);
}

/* A pipe whose other end is closed is reported whether asked for or not: what is not wanted must leave the set altogether. */
static void want(struct process *p, int channel, uint32_t events) {
  if (p->fd[channel] < 0 || p->watched[channel] == events) return;
  watch(p->fd[channel], events, p->id, !events ? EPOLL_CTL_DEL : p->watched[channel] ? EPOLL_CTL_MOD : EPOLL_CTL_ADD);
  p->watched[channel] = events;
}

static char *reserve(size_t n) {
  if (queue_at && queue_at + queue_held + n > queue_size) {
    memmove(queue, queue + queue_at, queue_held);
    queue_at = 0;
  }
  if (queue_held + n > queue_size) {
    queue_size = (queue_held + n) * 2;
    queue = realloc(queue, queue_size);
    if (!queue) _exit(1);
  }
  return queue + queue_at + queue_held;
}

static void flush_queue(void) {
  static uint32_t watched = EPOLLIN;
  while (queue_held) {
    ssize_t n = write(HOST, queue + queue_at, queue_held);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) _exit(0);
    queue_at += (size_t)n;
    queue_held -= (size_t)n;
  }
  if (!queue_held) queue_at = 0;
  uint32_t wanted = queue_held ? EPOLLIN | EPOLLOUT : EPOLLIN;
  if (wanted != watched) watch(HOST, watched = wanted, 0, EPOLL_CTL_MOD);
}

static void put_header(char *to, uint8_t type, uint32_t id, size_t payload) {
  uint32_t length = (uint32_t)(payload + HEADER - 4);
  memcpy(to, &length, 4);
  to[4] = (char)type;
  memcpy(to + 5, &id, 4);
}

static void send_frame(uint8_t type, uint32_t id, const void *payload, size_t n) {
  char *to = reserve(HEADER + n);
  put_header(to, type, id, n);
  if (n) memcpy(to + HEADER, payload, n);
  queue_held += HEADER + n;
}

static void close_channel(struct process *p, int channel) {
  if (p->fd[channel] < 0) return;
  want(p, channel, 0);
  close(p->fd[channel]);
  p->fd[channel] = -1;
}

static void forget(struct process *p) {
  for (int i = 0; i < CHANNELS; i++) close_channel(p, i);
  if (p->spec >= 0) close(p->spec);
  if (p->verdict >= 0) close(p->verdict);
  free(p->input[0].bytes);
  free(p->input[1].bytes);
  for (size_t i = 0; i < MAX_PROCESSES; i++)
    if (processes[i] == p) processes[i] = NULL;
  free(p);
}

static void send_failed(uint32_t id, int number) {
  uint32_t payload = (uint32_t)number;
  send_frame(FAILED, id, &payload, sizeof payload);
}

/* Moves up to `limit` bytes of output of one channel to the queue. Returns 1 while there may be more, 0 when the pipe is empty or closed. */
static int drain(struct process *p, int channel, size_t limit) {
  static char waste[CHUNK];
  while (p->fd[channel] >= 0 && limit) {
    if (p->orphaned) { /* its exec is over; what it left running may write, and must not stop for it */
      ssize_t n = read(p->fd[channel], waste, sizeof waste);
      if (n < 0 && errno == EAGAIN) return 0;
      if (n <= 0) close_channel(p, channel);
      continue;
    }
    uint32_t *credit = channel == CONTROL_OUT ? &p->control_credit : &p->credit;
    size_t room = *credit < CHUNK ? *credit : CHUNK;
    if (room > limit) room = limit;
    if (room == 0 || queue_held > QUEUE_HIGH) return 1;
    char *to = reserve(HEADER + 1 + room);
    ssize_t n = read(p->fd[channel], to + HEADER + 1, room);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return 0;
    if (n <= 0) {
      close_channel(p, channel);
      return 0;
    }
    put_header(to, OUTPUT, p->id, (size_t)n + 1);
    to[HEADER] = (char)channel;
    queue_held += HEADER + 1 + (size_t)n;
    limit -= (size_t)n;
    *credit -= (uint32_t)n;
  }
  return 0;
}

/* How much of a control message is there; a channel whose writers have all gone is closed. */
static size_t control_waiting(struct process *p) {
  struct pollfd control = {.fd = p->fd[CONTROL_OUT], .events = POLLIN};
  int waiting = 0;
  if (control.fd < 0 || poll(&control, 1, 0) < 1) return 0;
  if (!(control.revents & POLLIN)) close_channel(p, CONTROL_OUT);
  else if (ioctl(control.fd, FIONREAD, &waiting)) return 0;
  return (size_t)waiting;
}

/* What a process wrote goes before its control message, and both before its end. The message is measured first: what was
   written before it is in the other pipes by then, what is written while they are emptied comes with the next one. */
static void pump(struct process *p) {
  if (!p->started) return;
  size_t waiting = control_waiting(p);
  int more = drain(p, STDOUT, SIZE_MAX) + drain(p, STDERR, SIZE_MAX);
  if (!more) more = drain(p, CONTROL_OUT, waiting);
  if (p->exited && !more && !p->announced) {
    struct __attribute__((packed)) {
      uint32_t code, signal;
      uint64_t user, system, rss;
    } payload = {p->code, p->signal, p->user_us, p->system_us, p->rss_kib};
    send_frame(EXITED, p->id, &payload, sizeof payload);
    p->announced = p->orphaned = 1;
    close_channel(p, STDIN);
    close_channel(p, CONTROL_IN);
    close_channel(p, CONTROL_OUT);
  }
  if (p->announced && p->fd[STDOUT] < 0 && p->fd[STDERR] < 0) return forget(p);
  /* Nothing is polled that could not be read now: credit or the queue's drain calls pump again. */
  for (int channel = STDOUT; channel < CHANNELS; channel++) {
    if (channel == CONTROL_IN || p->fd[channel] < 0) continue;
    int blocked = !p->orphaned && (queue_held > QUEUE_HIGH || (channel == CONTROL_OUT ? more || p->control_credit == 0 : p->credit == 0));
    want(p, channel, blocked ? 0 : EPOLLIN);
  }
}

static void feed(struct process *p, int channel) {
  int i = channel == CONTROL_IN;
  uint32_t taken = 0;
  while (p->fd[channel] >= 0 && p->input[i].held) {
    ssize_t n = write(p->fd[channel], p->input[i].bytes + p->input[i].at, p->input[i].held);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) close_channel(p, channel);
    else {
      p->input[i].at += (size_t)n;
      p->input[i].held -= (size_t)n;
      taken += (uint32_t)n;
    }
  }
  if (p->fd[channel] < 0 && p->input[i].held) { /* nobody reads: swallow, so that the host's window opens */
    taken += (uint32_t)p->input[i].held;
    p->input[i].held = 0;
  }
  if (!p->input[i].held) {
    p->input[i].at = 0;
    if (p->input[i].ended) close_channel(p, channel);
  }
  want(p, channel, p->input[i].held ? EPOLLOUT : 0);
  if (taken) {
    char payload[5] = {(char)channel};
    memcpy(payload + 1, &taken, 4);
    send_frame(TAKEN, p->id, payload, sizeof payload);
  }
}

static struct process *find(uint32_t id) {
  for (size_t i = 0; i < MAX_PROCESSES; i++)
    if (processes[i] && processes[i]->id == id && !processes[i]->announced) return processes[i];
  return NULL;
}

static void do_fork(uint32_t id) {
  size_t slot = 0;
  while (slot < MAX_PROCESSES && processes[slot]) slot++;
  struct process *p = slot < MAX_PROCESSES ? calloc(1, sizeof *p) : NULL;
  if (!p) return send_failed(id, EAGAIN);
  p->id = id;
  memset(p->fd, -1, sizeof p->fd);
  p->spec = p->verdict = -1;
  int number = fork_process(p);
  processes[slot] = p;
  if (number) {
    send_failed(id, number);
    return forget(p);
  }
  uint32_t pid = (uint32_t)p->pid;
  send_frame(FORKED, id, &pid, sizeof pid);
}

static void do_start(struct process *p, const char *payload, size_t n) {
  uint32_t length = (uint32_t)n, flags;
  if (p->started || n < 16) return;
  memcpy(&flags, payload, 4);
  int bad = write(p->spec, &length, 4) != 4;
  for (size_t at = 0; at < n && !bad;) { /* the child reads at once: blocking is short, and it is ours until it executes */
    ssize_t wrote = write(p->spec, payload + at, n - at);
    if (wrote < 0 && errno == EINTR) continue;
    bad = wrote <= 0;
    if (!bad) at += (size_t)wrote;
  }
  close(p->spec);
  p->spec = -1;
  p->started = 1;
  if (!(flags & WITH_STDIN)) close_channel(p, STDIN);
  if (!(flags & WITH_CONTROL)) {
    close_channel(p, CONTROL_IN);
    close_channel(p, CONTROL_OUT);
  }
  if (p->fd[STDOUT] >= 0) fcntl(p->fd[STDOUT], F_SETPIPE_SZ, 1 << 20);
  fcntl(p->verdict, F_SETFL, O_NONBLOCK);
  watch(p->verdict, EPOLLIN, p->id, EPOLL_CTL_ADD);
}

static void read_verdict(struct process *p) {
  int number;
  ssize_t n = read(p->verdict, &number, sizeof number);
  if (n < 0) return;
  close(p->verdict);
  p->verdict = -1;
  if (n == sizeof number) {
    send_failed(p->id, number);
    return forget(p); /* its exit is reaped without a word */
  }
  send_frame(STARTED, p->id, NULL, 0);
  if (p->fd[STDIN] >= 0) feed(p, STDIN);
  if (p->fd[CONTROL_IN] >= 0) feed(p, CONTROL_IN);
}

static void do_data(struct process *p, const char *payload, size_t n) {
  if (n < 1 || (payload[0] != STDIN && payload[0] != CONTROL_IN)) return;
  int i = payload[0] == CONTROL_IN;
  size_t bytes = n - 1;
  if (p->input[i].held + bytes > INPUT_WINDOW) _exit(1); /* the host counts its window: this is not the host */
  if (!p->input[i].bytes && !(p->input[i].bytes = malloc(INPUT_WINDOW))) _exit(1);
  if (p->input[i].at) memmove(p->input[i].bytes, p->input[i].bytes + p->input[i].at, p->input[i].held);
  p->input[i].at = 0;
  memcpy(p->input[i].bytes + p->input[i].held, payload + 1, bytes);
  p->input[i].held += bytes;
  feed(p, payload[0]);
}

static void handle(uint8_t type, uint32_t id, const char *payload, size_t n) {
  if (type == FORK) return do_fork(id);
  if (type == PING) return send_frame(PONG, id, NULL, 0);
  struct process *p = find(id);
  if (!p) return; /* ended while the host was speaking */
  if (type == START) do_start(p, payload, n);
  else if (type == DATA) do_data(p, payload, n);
  else if (type == END && n == 1 && (payload[0] == STDIN || payload[0] == CONTROL_IN)) {
    p->input[payload[0] == CONTROL_IN].ended = 1;
    feed(p, payload[0]);
  } else if ((type == CREDIT || type == ANSWER) && n == 4) {
    uint32_t credit;
    memcpy(&credit, payload, 4);
    if (type == CREDIT) p->credit += credit;
    else p->control_credit += credit;
    pump(p);
  } else if (type == SIGNAL && n == 1) {
    if (p->pid > 1 && !p->exited && kill(-p->pid, payload[0])) kill(p->pid, payload[0]);
  }
}

static void read_host(void) {
  ssize_t n = read(HOST, inbox + inbox_held, MAX_FRAME + HEADER - inbox_held);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) _exit(0); /* the host is gone, and with it this sandbox */
  inbox_held += (size_t)n;
  size_t at = 0;
  for (;;) {
    uint32_t length, id;
    if (inbox_held - at < HEADER) break;
    memcpy(&length, inbox + at, 4);
    if (length < HEADER - 4 || length > MAX_FRAME) _exit(1);
    if (inbox_held - at < length + 4u) break;
    memcpy(&id, inbox + at + 5, 4);
    handle((uint8_t)inbox[at + 4], id, inbox + at + HEADER, length + 4u - HEADER);
    at += length + 4u;
  }
  memmove(inbox, inbox + at, inbox_held - at);
  inbox_held -= at;
}

static void reap(void) {
  int status;
  pid_t pid;
  struct rusage usage;
  while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
    for (size_t i = 0; i < MAX_PROCESSES; i++) {
      struct process *p = processes[i];
      if (!p || p->pid != pid || p->exited) continue;
      if (p->verdict >= 0 && p->started) read_verdict(p);
      if (processes[i] != p) break;
      p->exited = p->started = 1;
      p->signal = WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0;
      p->code = p->signal ? 128 + p->signal : (uint32_t)WEXITSTATUS(status);
      p->user_us = (uint64_t)usage.ru_utime.tv_sec * 1000000 + (uint64_t)usage.ru_utime.tv_usec;
      p->system_us = (uint64_t)usage.ru_stime.tv_sec * 1000000 + (uint64_t)usage.ru_stime.tv_usec;
      p->rss_kib = (uint64_t)usage.ru_maxrss;
      pump(p);
      break;
    }
  }
}

int main(int argc, char **argv) {
  struct epoll_event events[64];
  sigset_t mask;
  /* In a guest's kernel: the host is on stdin, for only the three streams come in there, and the filter is in a file. */
  if (argc == 2) {
    int null = open("/dev/null", O_RDWR);
    if (dup2(STDIN_FILENO, HOST) < 0 || null < 0) return 1;
    /* There /proc/1/fd is open to all: through stderr it would lead to a file on the host's disk, without any limit. */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
      if (dup2(null, fd) < 0) return 1;
    if (install_filter(argv[1])) return 1;
    if (null > HOST) close(null);
  }
  /* Timers are counted as signals that wait: for the user, in this namespace by this limit. All sandboxes of an ordinary user's daemon
     have one user's share of them together; a guest's kernel has its own. */
  if (argc != 2 && setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){MAX_PENDING_SIGNALS, MAX_PENDING_SIGNALS})) return 1;
  /* Where no control group counts: the kernel counts the processes and threads of this user in this user namespace, which is the sandbox. */
  if (argc == 3 && strcmp(argv[1], "--max-pids") == 0) {
    rlim_t most = strtoul(argv[2], NULL, 10);
    if (setrlimit(RLIMIT_NPROC, &(struct rlimit){most, most})) return 1;
  }
  /* What made the namespaces is the parent outside; crun, unlike bubblewrap, does not say this for us. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0); /* no /proc/1/mem, fd or environ for the code inside */
  prctl(PR_SET_NAME, "sandglass-agent");
  signal(SIGPIPE, SIG_IGN);
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  fcntl(HOST, F_SETFD, FD_CLOEXEC);
  fcntl(HOST, F_SETFL, O_NONBLOCK);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  children = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  inbox = malloc(MAX_FRAME + HEADER);
  if (epoll < 0 || children < 0 || !inbox) return 1;
  watch(HOST, EPOLLIN, 0, EPOLL_CTL_ADD);
  watch(children, EPOLLIN, UINT64_MAX, EPOLL_CTL_ADD);
  uint32_t version = VERSION;
  send_frame(HELLO, 0, &version, sizeof version);
  for (;;) {
    int was_full = queue_held > QUEUE_HIGH, is_full = 0;
    flush_queue();
    if (was_full && queue_held <= QUEUE_HIGH) {
      for (size_t i = 0; i < MAX_PROCESSES; i++)
        if (processes[i]) pump(processes[i]);
      /* Filled once more, so that no pipe may be polled: emptying it here would leave nothing to wake up for. */
      is_full = queue_held > QUEUE_HIGH;
    }
    if (!is_full) flush_queue();
    int n = epoll_wait(epoll, events, 64, is_full ? 0 : -1);
    for (int i = 0; i < n; i++) {
      uint64_t tag = events[i].data.u64;
      if (tag == 0) {
        if (events[i].events & (EPOLLIN | EPOLLHUP)) read_host();
      } else if (tag == UINT64_MAX) {
        struct signalfd_siginfo info;
        while (read(children, &info, sizeof info) > 0) {}
        reap();
      } else {
        /* Several descriptors of a process share its id as tag; each step below finds out for itself what is ready. */
        for (size_t k = 0; k < MAX_PROCESSES; k++) {
          struct process *p = processes[k];
          if (!p || p->id != (uint32_t)tag) continue;
          if (p->verdict >= 0 && p->started) read_verdict(p);
          if (processes[k] != p) continue;
          if (p->fd[STDIN] >= 0 && p->input[0].held) feed(p, STDIN);
          if (p->fd[CONTROL_IN] >= 0 && p->input[1].held) feed(p, CONTROL_IN);
          pump(p);
        }
      }
    }
  }
}
