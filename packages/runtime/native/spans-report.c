/* A span as an ExportTraceServiceRequest of OTLP 1.11 (opentelemetry/proto/trace/v1/trace.proto) behind the head of an HTTP request,
   written from its end to its beginning: of every message the length is known when it is needed. */
#include "spans.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5, STATUS_ERROR = 2, KIND_INTERNAL = 1, FLAGS = 0x301 /* sampled; its parent is remote */ };

struct writer {
  uint8_t *begin, *at;
  bool full;
};

static uint8_t request[24 * 1024];
static atomic_flag busy = ATOMIC_FLAG_INIT;

static void put(struct writer *w, const void *bytes, size_t n) {
  if ((size_t)(w->at - w->begin) < n) {
    w->full = true;
    return;
  }
  w->at -= n;
  memcpy(w->at, bytes, n);
}

static void put_varint(struct writer *w, uint64_t value) {
  uint8_t bytes[10];
  size_t n = 0;
  do bytes[n++] = (uint8_t)(value | 128);
  while (value >>= 7);
  bytes[n - 1] &= 127;
  put(w, bytes, n);
}

static void put_tag(struct writer *w, int field, int type) {
  put_varint(w, (uint64_t)(field << 3 | type));
}

static void put_bytes(struct writer *w, int field, const void *bytes, size_t n) {
  put(w, bytes, n);
  put_varint(w, n);
  put_tag(w, field, BYTES);
}

static void put_text(struct writer *w, int field, const char *text) {
  put_bytes(w, field, text, strlen(text));
}

static void put_number(struct writer *w, int field, uint64_t value) {
  put_varint(w, value);
  put_tag(w, field, VARINT);
}

static void put_fixed64(struct writer *w, int field, uint64_t value) {
  put(w, &value, sizeof value); /* little-endian, as the machines are that this is built for */
  put_tag(w, field, FIXED64);
}

/* Everything from `end` down to here becomes a message; `end` is what `at` was before. */
static void close_message(struct writer *w, int field, const uint8_t *end) {
  put_varint(w, (uint64_t)(end - w->at));
  put_tag(w, field, BYTES);
}

/* KeyValue, whose AnyValue is between `end` and here. */
static void close_attribute(struct writer *w, int field, const char *key, const uint8_t *end) {
  close_message(w, 2, end);
  put_text(w, 1, key);
  close_message(w, field, end);
}

enum { RESOURCE_ATTRIBUTES = 1, SPAN_ATTRIBUTES = 9 };

static void attribute_text(struct writer *w, int field, const char *key, const char *value) {
  const uint8_t *end = w->at;
  if (!*value) return;
  put_text(w, 1, value);
  close_attribute(w, field, key, end);
}

static void attribute_number(struct writer *w, const char *key, uint64_t value) {
  const uint8_t *end = w->at;
  put_number(w, 3, value);
  close_attribute(w, SPAN_ATTRIBUTES, key, end);
}

static void attribute_true(struct writer *w, const char *key) {
  const uint8_t *end = w->at;
  put_number(w, 2, 1);
  close_attribute(w, SPAN_ATTRIBUTES, key, end);
}

static void attribute_ms(struct writer *w, const char *key, uint64_t us) {
  const uint8_t *end = w->at;
  double ms = (double)us / 1000;
  put(w, &ms, sizeof ms);
  put_tag(w, 4, FIXED64);
  close_attribute(w, SPAN_ATTRIBUTES, key, end);
}

static void attribute_array(struct writer *w, const char *key, const uint8_t *elements, size_t n) {
  const uint8_t *end = w->at;
  put_bytes(w, 5, elements, n);
  close_attribute(w, SPAN_ATTRIBUTES, key, end);
}

static int hex(char c) {
  return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* OTEL_RESOURCE_ATTRIBUTES: key=value pairs between commas, the values percent-encoded. */
static void put_resource_attributes(struct writer *w) {
  char value[sizeof image.resource], clean[sizeof image.resource], key[128];
  const char *at = image.resource;
  while (*at) {
    const char *end = strchrnul(at, ','), *equals = memchr(at, '=', (size_t)(end - at));
    while (*at == ' ') at++;
    if (equals && equals > at && (size_t)(equals - at) < sizeof key) {
      size_t n = 0;
      for (const char *c = equals + 1; c < end; c++) {
        int high = *c == '%' && end - c > 2 ? hex(c[1]) : -1, low = high < 0 ? -1 : hex(c[2]);
        value[n++] = low < 0 ? *c : (char)(high << 4 | low);
        if (low >= 0) c += 2;
      }
      memcpy(key, at, (size_t)(equals - at));
      key[equals - at] = 0;
      copy_text(clean, sizeof clean, value, n, NULL);
      if (strcmp(key, "service.name") || !image.service[0]) attribute_text(w, RESOURCE_ATTRIBUTES, key, clean);
    }
    at = *end ? end + 1 : end;
  }
  attribute_text(w, RESOURCE_ATTRIBUTES, "service.name", image.service);
}

static void put_attributes(struct writer *w, const struct span *span, const struct ending *ending) {
  char number[16];
  if (ending->has_usage) {
    attribute_ms(w, "sandglass.process.cpu.system_ms", ending->system_us);
    attribute_ms(w, "sandglass.process.cpu.user_ms", ending->user_us);
    attribute_number(w, "sandglass.process.max_rss_bytes", ending->max_rss);
  }
  if (span->forked) attribute_true(w, "sandglass.process.forked");
  if (ending->code) {
    const char *signal = ending->signal ? sigabbrev_np(ending->signal) : NULL;
    if (signal) snprintf(number, sizeof number, "SIG%s", signal);
    else snprintf(number, sizeof number, "%d", ending->signal ? ending->signal : ending->code);
    if (ending->signal) attribute_text(w, SPAN_ATTRIBUTES, "sandglass.process.signal", number);
    attribute_text(w, SPAN_ATTRIBUTES, "error.type", number);
  }
  if (ending->replaced) attribute_true(w, "sandglass.process.replaced");
  else attribute_number(w, "process.exit.code", (uint64_t)ending->code);
  attribute_text(w, SPAN_ATTRIBUTES, "process.working_directory", ending->directory);
  if (ending->arguments->truncated) attribute_true(w, "sandglass.process.args_truncated");
  if (ending->arguments->size) attribute_array(w, "process.command_args", ending->encoded, ending->arguments->size);
  attribute_text(w, SPAN_ATTRIBUTES, "process.executable.path", ending->path);
  attribute_text(w, SPAN_ATTRIBUTES, "process.executable.name", ending->name);
  attribute_number(w, "process.parent_pid", (uint64_t)span->parent_pid);
  attribute_number(w, "process.pid", (uint64_t)span->pid);
}

static void put_span(struct writer *w, const struct span *span, const struct ending *ending) {
  uint64_t now = clock_ns();
  uint32_t flags = FLAGS;
  const uint8_t *end = w->at;
  put(w, &flags, sizeof flags);
  put_tag(w, 16, FIXED32);
  if (ending->code) {
    const uint8_t *status_end = w->at;
    put_number(w, 3, STATUS_ERROR);
    close_message(w, 15, status_end);
  }
  put_attributes(w, span, ending);
  put_fixed64(w, 8, now > span->start ? now : span->start);
  put_fixed64(w, 7, span->start);
  put_number(w, 6, KIND_INTERNAL);
  put_text(w, 5, ending->name);
  put_bytes(w, 4, span->parent, sizeof span->parent);
  if (image.tracestate[0]) put_text(w, 3, image.tracestate);
  put_bytes(w, 2, span->id, sizeof span->id);
  put_bytes(w, 1, span->trace, sizeof span->trace);
  close_message(w, 2, end);
}

static void put_request(struct writer *w, const struct span *span, const struct ending *ending, const struct past *before) {
  char head[192];
  const uint8_t *end = w->at, *part;
  put_span(w, span, ending);
  if (before) put(w, before->bytes, before->size);
  part = w->at;
  put_text(w, 1, "sandglass.process");
  close_message(w, 1, part);
  close_message(w, 2, end);
  part = w->at;
  put_resource_attributes(w);
  close_message(w, 1, part);
  close_message(w, 1, end);
  int n = snprintf(head, sizeof head,
                   "POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/x-protobuf\r\n"
                   "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                   image.port, (size_t)(end - w->at));
  put(w, head, (size_t)n);
}

size_t write_span(uint8_t *to, size_t size, const struct span *span, const struct ending *ending) {
  struct writer w = {to, to + size, false};
  put_span(&w, span, ending);
  return w.full ? 0 : (size_t)(to + size - w.at);
}

void report(const struct span *span, const struct ending *ending, const struct past *before, bool patient) {
  struct writer w = {request, request + sizeof request, false};
  int tries = patient ? 250 : 0;
  while (atomic_flag_test_and_set(&busy)) {
    struct timespec ms = {.tv_nsec = 1000000};
    if (tries-- == 0) return;
    nanosleep(&ms, NULL);
  }
  put_request(&w, span, ending, before);
  if (!w.full) send_request(image.port, w.at, (size_t)(request + sizeof request - w.at), patient);
  atomic_flag_clear(&busy);
}

void forget_report_under_way(void) {
  atomic_flag_clear(&busy);
}
