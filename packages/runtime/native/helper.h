#ifndef SANDGLASS_HELPER_H
#define SANDGLASS_HELPER_H

#include <sys/types.h>

/* Says `what` and errno on stderr, and ends this process: a minder's sandbox goes with it, by the kernel's hand. */
void die(const char *what) __attribute__((noreturn));

/* SIGKILL to this process's children, those that it `spares` aside (NULL: to all). */
void kill_children(int (*spares)(pid_t));

#endif
