#ifndef SANDGLASS_CLEAR_H
#define SANDGLASS_CLEAR_H

/* `helper clear directory group…` from `directory` on (clear.c). Returns the process's exit status. */
int clear_leftovers(int argc, char **argv);

#endif
