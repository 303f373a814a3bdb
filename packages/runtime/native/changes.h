#ifndef SANDGLASS_CHANGES_H
#define SANDGLASS_CHANGES_H

#include <stdint.h>

/* The stream that makes one sandbox's files those of another: written by the helper (compare.c), carried out inside the other sandbox by its
   agent (apply.c). Each change is a head, the path (absolute, without a NUL), the target of a link; behind the head of a file come its parts. */
enum {
  REMOVE = 'R',    /* with all below it; one that is not there is no error */
  DIRECTORY = 'D', /* is to be one, which can be written to meanwhile */
  PASS = 'P',      /* is one; it can be written to meanwhile, where that can be */
  LEAVE = 'd',     /* all below a DIRECTORY is done: its mode and its time */
  LEFT = 'p',      /* the same of a PASS, where that can be */
  FILE_HEAD = 'F',
  LINK = 'L',
  WHOLE = 'E',     /* the stream is whole */
};

struct change {
  uint8_t kind;
  uint32_t mode; /* permission bits */
  int64_t seconds;
  uint32_t nanoseconds;
  uint64_t size;
  uint16_t path_length, target_length;
} __attribute__((packed));

/* Of a file: bytes at an offset, what is between two parts is a hole. One of length 0 is the last. */
struct part {
  uint64_t offset;
  uint32_t length;
} __attribute__((packed));

enum { MAX_PART = 256 * 1024, MAX_PATH = 4095 };

#endif
