/* Exchanges two paths as fast as it can, until it is ended: whoever looks at one and then uses it has the other. */
#define _GNU_SOURCE
#include <stdio.h>

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  printf("swaps\n");
  fflush(stdout);
  for (;;) renameat2(-100, argv[1], -100, argv[2], RENAME_EXCHANGE);
}
