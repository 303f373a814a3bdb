#ifndef SANDGLASS_USER_NAMESPACE_H
#define SANDGLASS_USER_NAMESPACE_H

/* For a daemon that is not root: moves this process into a user namespace in which it is, with mounts and a network of its own.
   `mapping` is what newuidmap takes behind the pid, then "-" and what newgidmap takes; without any, this user's id alone is
   mapped, to 0. Once, at the start; returns 0, or -1 with `step` naming what failed and errno set (0 where a program said why). */
int enter_user_namespace(char **mapping, int count, const char **step);

#endif
