#ifndef SANDGLASS_COMPARE_H
#define SANDGLASS_COMPARE_H

/* `helper compare list|content ROOT AGAINST SINCE`: see compare.c. Returns the process's exit status. */
int compare_roots(char **argv);

#endif
