/* Listening sockets inside a sandbox's network namespace, for the daemon to serve.

   Node takes a descriptor only over the IPC channel that it opens to a child of its own: newline-delimited JSON, and the
   descriptor (SCM_RIGHTS) on a message {"cmd":"NODE_HANDLE","type":"net.Native","msg":…}. That form is Node's own affair; a
   test pins it. Node answers each with {"cmd":"NODE_HANDLE_ACK"}, and says nothing else here: what it says is discarded.

   The helper has the channel from Node, and its minders have it from the helper: a message goes whole or not at all, so they need not
   take turns, and it outlives the helper. It is never waited for. What the daemon does not take at once is kept here, up to
   MAX_WAITING sockets; a request that would go beyond is refused. So a daemon that does not read costs some descriptors, and
   neither holds up the minder's other work (to end its sandbox, above all) nor loses a socket that was promised. */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper.h"

enum { MAX_WAITING = 1024, MAX_PORTS = 8, BACKLOG = 511 };

struct handover {
  int fd;
  char message[112];
};
static struct handover waiting[MAX_WAITING]; /* a ring: first in, first out */
static size_t waiting_at, waiting_count;
static int channel = -1, own_network = -1;
static struct stat own_network_stat;

void open_channel(void) {
  const char *number = getenv("NODE_CHANNEL_FD");
  if (number) {
    int fd = atoi(number);
    /* Above the descriptors that a sandbox's program is given, so that it is among those that are closed before it runs. */
    channel = fcntl(fd, F_DUPFD_CLOEXEC, 10);
    if (channel < 0 || close(fd)) die("the daemon's channel");
  }
  clearenv(); /* what becomes bubblewrap starts with nothing */
  own_network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (own_network < 0 || fstat(own_network, &own_network_stat)) die("the helper's own network namespace");
}

int full_channel(void) { return waiting_count ? channel : -1; }

static void close_channel(void) {
  for (; waiting_count; waiting_count--, waiting_at = (waiting_at + 1) % MAX_WAITING) close(waiting[waiting_at].fd);
  if (channel >= 0) close(channel);
  channel = -1;
}

/* 0 when it is sent, else -1. A message is far smaller than what the kernel queues as one, so it goes whole or not at all. */
static int send_socket(const struct handover *given) {
  struct iovec text = {.iov_base = (char *)given->message, .iov_len = strlen(given->message)};
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &given->fd, sizeof(int));
  ssize_t n;
  do n = sendmsg(channel, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n >= 0 && (size_t)n != text.iov_len) die("half a message on the daemon's channel");
  return n < 0 ? -1 : 0;
}

/* Whoever sends makes room for the answer: what nobody reads would stay with the daemon once the channel is full of it. */
static void discard_acknowledgements(void) {
  char said[4096];
  while (recv(channel, said, sizeof said, MSG_DONTWAIT) > 0) {}
}

void flush_channel(void) {
  while (waiting_count) {
    discard_acknowledgements();
    if (send_socket(&waiting[waiting_at])) {
      if (errno != EAGAIN) close_channel(); /* the daemon is gone, or does not want any more */
      return;
    }
    close(waiting[waiting_at].fd);
    waiting_at = (waiting_at + 1) % MAX_WAITING;
    waiting_count--;
  }
}

/* The first (for bubblewrap: the only) child; -1 where there is none. */
static pid_t child_of(pid_t pid) {
  char path[64], text[32];
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return -1;
  text[n] = 0;
  return (pid_t)strtol(text, NULL, 10);
}

static int same_program(pid_t one, pid_t other) {
  char path[64];
  struct stat a, b;
  snprintf(path, sizeof path, "/proc/%d/exe", one);
  if (stat(path, &a)) return 1; /* it is going: whoever asks again is told so */
  snprintf(path, sizeof path, "/proc/%d/exe", other);
  return stat(path, &b) || (a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

/* The network namespace of the agent, bubblewrap's only child. */
static int network_of(pid_t bubblewrap, const char **step) {
  *step = "find the sandbox's agent";
  pid_t agent = child_of(bubblewrap);
  if (agent <= 0) {
    errno = EAGAIN; /* bubblewrap has not made it yet; where it never does, it ends and is not asked about any more */
    return -1;
  }
  char path[64];
  struct stat st;
  snprintf(path, sizeof path, "/proc/%d/ns/net", agent);
  *step = "open the sandbox's network namespace";
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    /* crun has short-lived children before the one that stays, and who is root of a user namespace only may not look at each. */
    if (errno == ENOENT || errno == EACCES) errno = EAGAIN;
    return -1;
  }
  *step = "check the sandbox's network namespace";
  if (fstat(fd, &st)) goto fail;
  if (st.st_ino == own_network_stat.st_ino && st.st_dev == own_network_stat.st_dev) {
    /* It shares the host's network: never listen there. crun is for a while in it, before it leaves and becomes the agent. */
    errno = same_program(bubblewrap, agent) ? EAGAIN : EPERM;
    goto fail;
  }
  /* A child keeps its pid until bubblewrap has reaped it: what is its child still was its child when the path was opened. */
  if (child_of(bubblewrap) != agent) {
    errno = EAGAIN;
    goto fail;
  }
  return fd;
fail:;
  int saved = errno;
  close(fd);
  errno = saved;
  return -1;
}

/* In whatever network namespace the helper is in. Bringing the loopback up is left to bubblewrap, which gives up where it
   finds that somebody has: until it has, the address is not available. */
static int open_listener(const char *port, const char **step) {
  char *end;
  unsigned long number = strtoul(port, &end, 10);
  *step = "read the port";
  if (*end || number < 1 || number > 65535) {
    errno = EINVAL;
    return -1;
  }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int on = 1;
  *step = "open a socket in the sandbox";
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  *step = "listen in the sandbox";
  if (!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) && !bind(fd, (struct sockaddr *)&address, sizeof address) &&
      !listen(fd, BACKLOG))
    return fd;
  int saved = errno == EADDRNOTAVAIL ? EAGAIN : errno;
  close(fd);
  errno = saved;
  return -1;
}

int listen_inside(pid_t bubblewrap, unsigned long number, char **ports, size_t n, const char **step) {
  int opened[MAX_PORTS];
  *step = "hand sockets to the daemon";
  errno = channel < 0 ? EPIPE : n < 1 || n > MAX_PORTS ? EINVAL : ENOBUFS;
  if (channel < 0 || n < 1 || n > MAX_PORTS || waiting_count + n > MAX_WAITING) return -1;
  int network = network_of(bubblewrap, step);
  if (network < 0) return -1;
  int entered = setns(network, CLONE_NEWNET), saved = errno;
  close(network);
  if (entered) {
    *step = "enter the sandbox's network namespace";
    errno = saved;
    return -1;
  }
  size_t count = 0;
  while (count < n && (opened[count] = open_listener(ports[count], step)) >= 0) count++;
  saved = errno;
  /* Nothing of what the helper does next may happen in there. */
  if (setns(own_network, CLONE_NEWNET)) die("return from the sandbox's network namespace");
  if (count < n) {
    while (count) close(opened[--count]);
    errno = saved;
    return -1;
  }
  for (size_t i = 0; i < n; i++) {
    struct handover *next = &waiting[(waiting_at + waiting_count++) % MAX_WAITING];
    next->fd = opened[i];
    snprintf(next->message, sizeof next->message,
             "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":{\"listen\":%lu,\"at\":%zu}}\n", number, i);
  }
  flush_channel();
  return 0;
}
