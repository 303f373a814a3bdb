/* The forms that times, ids and texts have. */
#include "spans.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

uint64_t clock_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void new_id(uint8_t id[8]) {
  uint64_t value = 0;
  if (getrandom(&value, sizeof value, GRND_NONBLOCK) != sizeof value || value == 0)
    value = clock_ns() * 0x9e3779b97f4a7c15u + (uint64_t)getpid();
  memcpy(id, &value, sizeof value);
}

static int digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Returns false where it is no lower-case hex, or all zero. */
bool read_hex(const char *text, uint8_t *to, size_t n) {
  int any = 0;
  for (size_t i = 0; i < n; i++) {
    int high = digit(text[2 * i]), low = high < 0 ? -1 : digit(text[2 * i + 1]);
    if (low < 0) return false;
    to[i] = (uint8_t)(high << 4 | low);
    any |= to[i];
  }
  return any != 0;
}

char *write_hex(char *to, const uint8_t *from, size_t n) {
  for (size_t i = 0; i < n; i++) {
    *to++ = "0123456789abcdef"[from[i] >> 4];
    *to++ = "0123456789abcdef"[from[i] & 15];
  }
  return to;
}

bool read_traceparent(const char *text, struct span *span) {
  uint8_t flags;
  struct span read;
  if (!text || strnlen(text, TRACEPARENT_LENGTH + 1) != TRACEPARENT_LENGTH || memcmp(text, "00-", 3)) return false;
  if (text[35] != '-' || text[52] != '-' || !read_hex(text + 3, read.trace, 16) || !read_hex(text + 36, read.parent, 8)) return false;
  if (!read_hex(text + 53, &flags, 1) || !(flags & 1)) return false;
  memcpy(span->trace, read.trace, sizeof read.trace);
  memcpy(span->parent, read.parent, sizeof read.parent);
  return true;
}

void write_traceparent(char text[TRACEPARENT_LENGTH + 1], const uint8_t trace[16], const uint8_t span[8]) {
  memcpy(text, "00-", 3);
  char *to = write_hex(text + 3, trace, 16);
  *to++ = '-';
  to = write_hex(to, span, 8);
  memcpy(to, "-01", 4);
}

const char *variable(char *const *environment, const char *name) {
  size_t n = strlen(name);
  for (; environment && *environment; environment++)
    if (!strncmp(*environment, name, n) && (*environment)[n] == '=') return *environment + n + 1;
  return NULL;
}

const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* The length of the character at `s`, or 0 where the bytes are none. */
static size_t character(const uint8_t *s, size_t n) {
  if (s[0] < 0x80) return 1;
  size_t length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
  if (s[0] < 0xc2 || s[0] > 0xf4 || n < length) return 0;
  for (size_t i = 1; i < length; i++)
    if ((s[i] & 0xc0) != 0x80) return 0;
  if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)) return 0;
  if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) return 0;
  return length;
}

size_t copy_text(char *to, size_t size, const char *from, size_t n, bool *cut) {
  size_t at = 0, i = 0;
  while (i < n) {
    size_t length = character((const uint8_t *)from + i, n - i);
    const char *bytes = length ? from + i : "\xef\xbf\xbd";
    size_t written = length ? length : 3;
    if (at + written >= size) break;
    memcpy(to + at, bytes, written);
    at += written;
    i += length ? length : 1;
  }
  to[at] = 0;
  if (cut && i < n) *cut = true;
  return at;
}
