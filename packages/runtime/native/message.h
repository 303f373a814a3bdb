#ifndef SANDGLASS_MESSAGE_H
#define SANDGLASS_MESSAGE_H

#include <stddef.h>

enum { MAX_FIELDS = 1024 };

/* Messages come on descriptor 0 and leave on 1: u32 length (little endian), then NUL-terminated strings.

   Waits for what comes next and hands each message that is whole to `handle`, which need not return. 0 when the other end is gone. */
int hear(void (*handle)(char **fields, size_t n));

/* A connection to the daemon's socket at `path`, on which `hello` has been said. -1 with errno set. */
int connect_with(const char *path, const char *hello);

/* For a child of whoever heard: what has come for its parent is none of its own. */
void forget_what_was_heard(void);

/* A message of three strings. -1 where nobody takes it: hear() says the same. */
int say(const char *kind, const char *first, const char *second);

#endif
