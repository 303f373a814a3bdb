/* Makes each call of its arguments by the 32-bit door of an x86-64 kernel, whose numbers mean something else, and prints what it answered. */
#include <stdio.h>
#include <stdlib.h>

static long knock(long number) {
  __asm__ volatile("int $0x80" : "+a"(number) : "D"(0), "S"(0), "d"(0), "b"(0), "c"(0) : "memory", "r8", "r9", "r10", "r11");
  return number;
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    long number = atol(argv[i]);
    printf("%ld: %ld\n", number, knock(number));
    fflush(stdout);
  }
  return 0;
}
