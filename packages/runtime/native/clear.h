#ifndef SANDGLASS_CLEAR_H
#define SANDGLASS_CLEAR_H

/* `helper clear directory group…` from `directory` on (clear.c). Returns the process's exit status. */
int clear_leftovers(int argc, char **argv);

/* Removes `path` with everything in it, following no link. 0 where nothing is left, or -1. */
int remove_tree(const char *path);

#endif
