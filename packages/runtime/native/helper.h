#ifndef SANDGLASS_HELPER_H
#define SANDGLASS_HELPER_H

/* Says `what` and errno on stderr, and ends the helper: with it, by the kernel's hand, every sandbox. */
void die(const char *what) __attribute__((noreturn));

#endif
