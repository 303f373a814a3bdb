#ifndef SANDGLASS_COPY_H
#define SANDGLASS_COPY_H

/* Copies the data of a sparse file, leaving its holes; where the file system can, both share it. `to` is made or filled. 0, or -1. */
int copy_image(const char *from, const char *to);

/* `helper copy FROM_FD TO_FD SYNC`: a process of its own beside the daemon, which has better things to do. See copy.c. */
int copy_disk(char **argv);

#endif
