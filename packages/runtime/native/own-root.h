#ifndef SANDGLASS_OWN_ROOT_H
#define SANDGLASS_OWN_ROOT_H

/* The root of a sandbox whose daemon is not root: a disk in memory with the skeleton copied to it, owned by `uid`, and the host's
   /usr below it, read-only. In the current directory, as "r". `size` is in the words of tmpfs ("size=256m,nr_inodes=16384").
   Returns 0, or -1 with `step` naming what failed and errno set. */
int build_own_root(const char *skeleton, const char *usr, const char *size, unsigned uid, const char **step);

#endif
