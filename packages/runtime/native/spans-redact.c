/* Arguments as they may be shown: what looks like a secret, by the name before it or by its own form, becomes "[REDACTED]". */
#include "spans.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define REDACTED "[REDACTED]"

enum { MAX_SCANNED_NAME = 64, MIN_TOKEN = 12 };

struct output {
  char *at, *end;
  bool full;
  const char *assignment; /* where a name stands whose value is all that follows; NULL in a script */
};

static void put(struct output *out, const char *text, size_t n) {
  size_t room = (size_t)(out->end - out->at);
  if (n > room) out->full = true;
  size_t written = n > room ? room : n;
  memcpy(out->at, text, written);
  out->at += written;
}

static bool in_name(char c) {
  return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool in_token(char c) {
  return in_name(c) || c == '+' || c == '/' || c == '=' || c == '~';
}

static bool ends_with(const char *name, size_t n, const char *end) {
  size_t m = strlen(end);
  return n >= m && !memcmp(name + n - m, end, m) && (n == m || !isalnum((unsigned char)name[n - m - 1]));
}

/* Whether what stands behind this name is better not shown. */
static bool is_secret_name(const char *from, size_t n) {
  static const char *const parts[] = {"password", "passwd",     "passphrase", "secret",     "apikey",   "api_key",
                                      "api.key",  "accesskey",  "access_key", "privatekey", "private_key", "credential",
                                      "authorization", "bearer", "signature", "cookie"};
  static const char *const ends[] = {"pass", "pwd", "auth", "sig", "jwt", "pat"};
  char name[MAX_SCANNED_NAME + 1];
  if (n > MAX_SCANNED_NAME) {
    from += n - MAX_SCANNED_NAME;
    n = MAX_SCANNED_NAME;
  }
  for (size_t i = 0; i < n; i++) name[i] = from[i] == '-' ? '_' : (char)tolower((unsigned char)from[i]);
  name[n] = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (strstr(name, parts[i])) return true;
  /* Not of --max-tokens and --tokenizer. */
  for (const char *at = name; (at = strstr(at, "token")); at += 5)
    if (at[5] != 's' && at[5] != 'i') return true;
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (ends_with(name, n, ends[i]) && strcmp(name, "pwd") && strcmp(name, "oldpwd")) return true;
  return false;
}

/* Tokens that say by their beginning what they are. */
static bool is_token(const char *from, size_t n) {
  static const char *const beginnings[] = {"sk-", "sk_live_", "sk_test_", "rk_live_", "ghp_", "gho_",  "ghs_", "ghu_", "github_pat_",
                                           "glpat-", "xoxb-", "xoxp-",    "xoxa-",    "AKIA", "ASIA", "AIza", "eyJ",  "hf_",
                                           "npm_",   "pypi-"};
  for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
    size_t m = strlen(beginnings[i]);
    if (n >= m + MIN_TOKEN && !memcmp(from, beginnings[i], m)) return true;
  }
  return false;
}

static const char *skip(const char *at, const char *end, char c) {
  while (at < end && *at == c) at++;
  return at;
}

static const char *to_any(const char *at, const char *end, const char *stops) {
  while (at < end && !strchr(stops, *at)) at++;
  return at;
}

/* The end of the value at `at`, whose opening quote is written: of a header the line, else the word. */
static const char *value_end(const char **at, const char *end, char delimiter, struct output *out) {
  if (*at < end && (**at == '"' || **at == '\'')) {
    char quote[] = {**at, 0};
    put(out, (*at)++, 1);
    return to_any(*at, end, quote);
  }
  return to_any(*at, end, delimiter == ':' ? "\"'\r\n" : " \t\r\n&;,\"')");
}

/* What is before the host of a URL; `at` is behind its "://". Returns where to go on. */
static const char *redact_user(const char *at, const char *end, struct output *out) {
  const char *stop = to_any(at, end, "/?# \t\r\n\"'"), *sign = stop;
  while (sign > at && sign[-1] != '@') sign--;
  if (sign == at) return at;
  const char *colon = memchr(at, ':', (size_t)(sign - at));
  if (colon) put(out, at, (size_t)(colon + 1 - at));
  put(out, REDACTED "@", sizeof REDACTED);
  return sign;
}

/* Where the value of a secret name follows, writes what is between, and a mark in its place. Returns where to go on. */
static const char *redact_value(const char *name, const char *at, const char *end, struct output *out) {
  const char *behind = at;
  if (behind < end && (*behind == '"' || *behind == '\'')) behind++; /* JSON */
  behind = skip(behind, end, ' ');
  bool is_assigned = behind < end && (*behind == '=' || *behind == ':');
  bool is_flag = !is_assigned && *name == '-' && behind == skip(at, end, ' ') && behind > at;
  if (!is_assigned && !is_flag) return at;
  char delimiter = is_assigned ? *behind : '=';
  const char *value = skip(behind + is_assigned, end, ' ');
  if (value == end || (is_flag && *value == '-')) return at;
  put(out, at, (size_t)(value - at));
  const char *stop = name == out->assignment ? end : value_end(&value, end, delimiter, out);
  if (stop > value) put(out, REDACTED, sizeof REDACTED - 1);
  return stop;
}

/* Of curl and many others: behind it is a user, a colon, a password. */
static bool names_user(const char *name, size_t n) {
  return (n == 2 && (!memcmp(name, "-u", 2) || !memcmp(name, "-U", 2))) || (n == 6 && !memcmp(name, "--user", 6)) ||
         (n == 12 && !memcmp(name, "--proxy-user", 12));
}

static const char *redact_password(const char *at, const char *end, struct output *out) {
  const char *value = at;
  while (value < end && strchr(" ='\"", *value)) value++;
  const char *stop = to_any(value, end, " \t\r\n\"'"), *colon = memchr(value, ':', (size_t)(stop - value));
  if (!colon) return at;
  put(out, at, (size_t)(colon + 1 - at));
  put(out, REDACTED, sizeof REDACTED - 1);
  return stop;
}

static void redact_text(const char *at, const char *end, struct output *out) {
  while (at < end && !out->full) {
    if (!in_name(*at)) {
      bool is_url = end - at > 3 && !memcmp(at, "://", 3);
      put(out, at, is_url ? 3 : 1);
      at += is_url ? 3 : 1;
      if (is_url) at = redact_user(at, end, out);
      continue;
    }
    const char *name = at;
    while (at < end && in_name(*at)) at++;
    size_t n = (size_t)(at - name);
    if (is_token(name, n)) {
      put(out, REDACTED, sizeof REDACTED - 1);
      while (at < end && in_token(*at)) at++;
      continue;
    }
    put(out, name, n);
    bool is_scheme = (n == 6 && !strncasecmp(name, "bearer", 6)) || (n == 5 && !strncasecmp(name, "basic", 5));
    if (is_scheme && at < end && *at == ' ') {
      const char *token = skip(at, end, ' '), *stop = token;
      while (stop < end && in_token(*stop)) stop++;
      if (stop - token >= MIN_TOKEN || n == 6) {
        put(out, at, (size_t)(token - at));
        if (stop > token) put(out, REDACTED, sizeof REDACTED - 1);
        at = stop;
      }
    } else if (names_user(name, n)) at = redact_password(at, end, out);
    else if (is_secret_name(name, n)) at = redact_value(name, at, end, out);
  }
}

/* Whether the whole of the next argument is a secret: this one is a flag's name and nothing else. */
static bool hides_next(const char *argument) {
  size_t n = strlen(argument);
  if (*argument != '-' || n > MAX_SCANNED_NAME) return false;
  for (size_t i = 0; i < n; i++)
    if (!in_name(argument[i])) return false;
  return is_secret_name(argument, n);
}

/* -c of shells and Python, -e of Perl and Node, and what is written together with them. */
static bool begins_script(const char *argument) {
  size_t n = strlen(argument);
  return *argument == '-' && n >= 2 && n <= 4 && strchr("ce", argument[n - 1]);
}

static void redact(const char *previous, const char *argument, struct output *out) {
  const char *colon = previous && names_user(previous, strlen(previous)) ? strchr(argument, ':') : NULL;
  if (previous && hides_next(previous) && *argument != '-') return put(out, REDACTED, sizeof REDACTED - 1);
  if (colon) {
    put(out, argument, (size_t)(colon + 1 - argument));
    return put(out, REDACTED, sizeof REDACTED - 1);
  }
  if (!previous || !begins_script(previous)) out->assignment = argument;
  redact_text(argument, argument + strlen(argument), out);
}

static uint8_t *put_length(uint8_t *to, size_t n) { /* below 16384 */
  if (n < 128) *to++ = (uint8_t)n;
  else {
    *to++ = (uint8_t)(n | 128);
    *to++ = (uint8_t)(n >> 7);
  }
  return to;
}

void encode_arguments(char *const argv[], uint8_t *encoded, size_t size, struct arguments *arguments) {
  char redacted[MAX_ARGUMENT + 1], text[MAX_ARGUMENT + 4];
  uint8_t *to = encoded;
  arguments->truncated = false;
  for (size_t i = 0; argv && argv[i]; i++) {
    struct output out = {redacted, redacted + MAX_ARGUMENT, false, NULL};
    bool cut = false;
    if (i < MAX_ARGUMENTS) redact(i ? argv[i - 1] : NULL, argv[i], &out);
    size_t n = copy_text(text, MAX_ARGUMENT + 1, redacted, (size_t)(out.at - redacted), &cut);
    if (out.full || cut) {
      /* What was cut inside of a character shows as one that is none. */
      while (out.full && n >= 3 && !memcmp(text + n - 3, "\xef\xbf\xbd", 3)) n -= 3;
      memcpy(text + n, "\xe2\x80\xa6", 3);
      n += 3;
      arguments->truncated = true;
    }
    if (i >= MAX_ARGUMENTS || (size_t)(to - encoded) + n + 8 > size) {
      arguments->truncated = true;
      break;
    }
    *to++ = 1 << 3 | 2; /* ArrayValue.values */
    to = put_length(to, 1 + (n < 128 ? 1u : 2u) + n);
    *to++ = 1 << 3 | 2; /* AnyValue.string_value */
    to = put_length(to, n);
    memcpy(to, text, n);
    to += n;
  }
  arguments->size = (uint16_t)(to - encoded);
}
