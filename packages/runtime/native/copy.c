/* Copies of disks: `helper copy from to sync`.
 *
 *   from, to: descriptors it was started with. A sandbox's disk has no name any more; who made it holds it open
 *   sync:     a directory of the sandbox: what its file system holds in memory reaches the disk first. "" where there is none
 *
 * Exit status 0, or 1 with a line on stderr. Whoever copies a disk in use has stopped everything in the sandbox. */
#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int copy_data(int in, int out) {
  struct stat st;
  if (fstat(in, &st) || ftruncate(out, st.st_size)) return -1;
  for (off_t at = 0;;) {
    off_t data = lseek(in, at, SEEK_DATA);
    if (data < 0) return errno == ENXIO ? 0 : -1; /* ENXIO: only holes are left */
    off_t hole = lseek(in, data, SEEK_HOLE);
    if (hole < 0) return -1;
    off_t in_at = data, out_at = data;
    while (in_at < hole) {
      ssize_t n = copy_file_range(in, &in_at, out, &out_at, (size_t)(hole - in_at), 0);
      if (n < 0 && errno == EINTR) continue;
      if (n == 0) errno = EIO;
      if (n <= 0) return -1;
    }
    at = hole;
  }
}

int copy_image(const char *from, const char *to) {
  int in = open(from, O_RDONLY | O_CLOEXEC);
  if (in < 0) return -1;
  int out = open(to, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  int result = out < 0 ? -1 : copy_data(in, out), saved = errno;
  close(in);
  if (out >= 0) close(out);
  errno = saved;
  return result;
}

static int flush(const char *path) {
  if (path[0] == 0) return 0;
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int result = fd < 0 ? -1 : syncfs(fd), saved = errno;
  if (fd >= 0) close(fd);
  errno = saved;
  return result;
}

int copy_disk(char **argv) {
  /* The daemon's end is this one's; what it has written has no name. */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL)) return 1;
  const char *step = "flush the file system";
  if (flush(argv[2]) == 0) {
    step = "copy the disk";
    if (copy_data(atoi(argv[0]), atoi(argv[1])) == 0) return 0;
  }
  dprintf(2, "%s: %s\n", step, strerror(errno));
  return 1;
}
