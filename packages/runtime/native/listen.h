#ifndef SANDGLASS_LISTEN_H
#define SANDGLASS_LISTEN_H

#include <stddef.h>
#include <sys/types.h>

/* Takes over Node's channel (NODE_CHANNEL_FD) and remembers the helper's own network namespace. Once, at the start of the helper. */
void open_channel(void);

/* The channel where something waits for it to take more, else -1; for poll(). */
int full_channel(void);
/* Sends what waits, as far as it is taken. */
void flush_channel(void);

/* Opens a listening socket on 127.0.0.1 for each of the ports, in the network namespace of the sandbox whose bubblewrap
   this is, and hands them to the daemon as sockets 0, 1, … of its request `number`. Returns 0, or -1 with `step` naming
   what failed and errno set; then none was opened. EAGAIN: not yet, ask again. */
int listen_inside(pid_t bubblewrap, unsigned long number, char **ports, size_t n, const char **step);

#endif
