#ifndef SANDGLASS_MINDER_H
#define SANDGLASS_MINDER_H

/* In a child of the helper's: minds one sandbox from before it is made until it has gone (minder.c). Connects to the daemon's socket at
   `path` and says `token` there. `children` is a signalfd of SIGCHLD; `is_user`: root of a user namespace only. */
void mind(const char *token, const char *path, int children, int is_user) __attribute__((noreturn));

#endif
