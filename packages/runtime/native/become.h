#ifndef SANDGLASS_BECOME_H
#define SANDGLASS_BECOME_H

#include <stddef.h>
#include <sys/types.h>

/* In a child of a minder's: becomes the program `argv`. `f` are the fields of "create" (minder.c). What goes wrong is written to
   `status`, which a successful exec closes. `minder` is the parent, with which it dies. */
void become_sandbox(char **f, size_t cgroups, char **cgroup, char **argv, int status, pid_t minder) __attribute__((noreturn));

#endif
