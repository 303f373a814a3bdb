#include "message.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "helper.h"

enum { MAX_MESSAGE = 256 * 1024, MAX_TEXT = 1000 };

static char heard[MAX_MESSAGE];
static size_t held;

static void split(char *message, size_t length, void (*handle)(char **, size_t)) {
  char *fields[MAX_FIELDS];
  size_t n = 0;
  errno = EINVAL;
  if (length == 0 || message[length - 1] != 0) die("malformed message");
  for (size_t at = 0; at < length; at += strlen(message + at) + 1) {
    if (n == MAX_FIELDS) die("too many fields");
    fields[n++] = message + at;
  }
  handle(fields, n);
}

int hear(void (*handle)(char **, size_t)) {
  ssize_t n = read(0, heard + held, sizeof heard - held);
  if (n < 0 && errno == EINTR) return 1;
  if (n <= 0) return 0;
  held += (size_t)n;
  for (uint32_t length; held >= 4; held -= length + 4) {
    memcpy(&length, heard, 4);
    if (length > sizeof heard - 4) die("message too long");
    if (held < length + 4) break;
    split(heard + 4, length, handle);
    memmove(heard, heard + 4 + length, held - 4 - length);
  }
  return 1;
}

void forget_what_was_heard(void) { held = 0; }

int say(const char *kind, const char *first, const char *second) {
  char message[4 + 3 * (MAX_TEXT + 1)];
  const char *fields[] = {kind, first, second};
  size_t n = 4;
  for (size_t i = 0; i < 3; i++) {
    size_t length = strnlen(fields[i], MAX_TEXT);
    memcpy(message + n, fields[i], length);
    n += length;
    message[n++] = 0;
  }
  uint32_t length = (uint32_t)(n - 4);
  memcpy(message, &length, 4);
  for (size_t at = 0; at < n;) {
    ssize_t wrote = write(1, message + at, n - at);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return -1;
    at += (size_t)wrote;
  }
  return 0;
}

int connect_with(const char *path, const char *hello) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) return -1;
  size_t length = strlen(hello);
  return write(fd, hello, length) == (ssize_t)length ? fd : -1;
}
