/* The file system of one sandbox: a disk of its own with a hard size, and on it two overlays, one over the skeleton (/)
   and one over the host's /usr. Runs in a mount namespace that only this sandbox has, so that everything mounted here goes
   when its last process goes, whatever happened to the daemon. */
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clear.h"
#include "copy.h"
#include "own-root.h"

static int write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = write(fd, text, strlen(text));
  int saved = errno;
  close(fd);
  errno = saved;
  return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* A user namespace that maps 0..65535 to the sandbox's ids; only its descriptor is wanted. The one beyond is root's own, who makes
   what an overlay needs on a disk that is mapped by it. */
static int user_namespace(unsigned uid) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC)) return -1;
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (pid < 0) {
    int saved = errno;
    close(ready[0]);
    close(ready[1]);
    errno = saved;
    return -1;
  }
  if (pid == 0) {
    char byte;
    close(ready[1]);
    while (read(ready[0], &byte, 1) < 0 && errno == EINTR) {}
    _exit(0);
  }
  char path[64], map[80];
  int fd = -1;
  snprintf(map, sizeof map, "0 %u 65536\n65536 0 1\n", uid);
  snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
  if (write_file(path, map) == 0) {
    snprintf(path, sizeof path, "/proc/%d/gid_map", pid);
    if (write_file(path, map) == 0) {
      snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
      fd = open(path, O_RDONLY | O_CLOEXEC);
    }
  }
  int saved = errno;
  close(ready[0]);
  close(ready[1]);
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
  errno = saved;
  return fd;
}

/* A read-only clone of `source` at `target` whose owners are shifted into the sandbox's ids. */
static int clone_lower(const char *source, const char *target, int userns) {
  int fd = (int)syscall(SYS_open_tree, AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (fd < 0) return -1;
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | (userns >= 0 ? MOUNT_ATTR_IDMAP : 0),
                            .userns_fd = userns >= 0 ? (__u64)userns : 0};
  int bad = (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof attr) ||
            (int)syscall(SYS_move_mount, fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
  int saved = errno;
  close(fd);
  errno = saved;
  return bad ? -1 : 0;
}

/* Attaches `file` to a free loop device that frees itself at its last unmount; returns the device's descriptor. */
static int attach_loop(const char *file, char *device, size_t size) {
  int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) return -1;
  int backing = open(file, O_RDWR | O_CLOEXEC);
  int fd = -1;
  for (int tries = 0; backing >= 0 && tries < 500; tries++) {
    if (tries > 0) nanosleep(&(struct timespec){.tv_nsec = 1000000}, 0);
    int number = ioctl(control, LOOP_CTL_GET_FREE);
    if (number < 0) break;
    snprintf(device, size, "/dev/loop%d", number);
    fd = open(device, O_RDWR | O_CLOEXEC);
    if (fd < 0) break;
    struct loop_config config = {.fd = (__u32)backing, .info.lo_flags = LO_FLAGS_AUTOCLEAR};
    if (ioctl(fd, LOOP_CONFIGURE, &config) == 0) break;
    int saved = errno;
    close(fd);
    fd = -1;
    errno = saved;
    if (saved != EBUSY) break; /* EBUSY: another took it between the two calls, or lets go of it still */
  }
  int saved = errno;
  if (backing >= 0) close(backing);
  close(control);
  errno = saved;
  return fd;
}

/* Mounts what `target` shows once more in its place, with owners shifted into the sandbox's ids. */
static int shift_owners(const char *target, int userns) {
  int fd = (int)syscall(SYS_open_tree, AT_FDCWD, target, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (fd < 0) return -1;
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (__u64)userns};
  int bad = (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof attr) || umount2(target, 0) ||
            (int)syscall(SYS_move_mount, fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
  int saved = errno;
  close(fd);
  errno = saved;
  return bad ? -1 : 0;
}

static int mount_disk(const char *image, const char *disk, int userns, const char **step) {
  char device[32];
  *step = "copy the disk image";
  if (strcmp(image, disk) && copy_image(image, disk)) return -1;
  *step = "attach a loop device";
  int loop = attach_loop(disk, device, sizeof device);
  if (loop < 0) return -1;
  /* From here on it is the device's alone: whatever ends the sandbox, the kernel gives the room back once the device is free, and
     nobody who clears up waits until what was being written to it has reached the platter. */
  *step = "take the disk's name away";
  if (unlink(disk)) return close(loop), -1;
  *step = "mount the disk";
  /* No barrier: the disk does not outlive its sandbox, so its order on the platter is nobody's concern. Nothing is written to it behind the
     sandbox's back: a copy that is taken while the sandbox stands still is whole. */
  int bad = mount(device, "d", "ext4", MS_NOSUID | MS_NODEV | MS_NOATIME, "barrier=0,noinit_itable");
  int saved = errno;
  close(loop);
  errno = saved;
  if (bad || userns < 0) return bad;
  /* What is on the disk has the ids that it has inside, so that a copy is a disk for any other sandbox. */
  *step = "shift the disk's owners";
  return shift_owners("d", userns);
}

static int make_owned(const char *path, unsigned uid, mode_t mode) {
  return (mkdir(path, mode) && errno != EEXIST) || chown(path, uid, uid) || chmod(path, mode) ? -1 : 0;
}

/* A directory of the lower layer cannot be moved, whatever the kernel's default: what holds a mount point stays where it is, also in what a
   fork begins with, and a layer names all that is otherwise than below (compare.c). */
#define OVERLAY "redirect_dir=off,"

/* Two overlays over a disk: what root can have. */
static int build_overlays(const struct root_spec *spec, const char **step) {
  *step = "make the layers' directories";
  if (mkdir("d", 0755) || mkdir("s", 0755) || mkdir("u", 0755) || mkdir("r", 0755)) return -1;
  unsigned uid = spec->uid;
  int userns = -1;
  if (spec->idmap) {
    *step = "make the id map";
    userns = user_namespace(uid);
    if (userns < 0) return -1;
  }
  if (spec->image[0]) {
    if (mount_disk(spec->image, spec->disk, userns, step)) return -1;
  } else {
    *step = "bind the upper directory";
    if (mount(spec->disk, "d", NULL, MS_BIND, NULL)) return -1;
  }
  /* Of a disk that was another sandbox's: /run is of the time since a start. What the host put there must be the host's again, above all
     the agent, which becomes process 1. */
  *step = "clear /run";
  if (remove_tree("d/a/run")) return -1;
  *step = "make the upper directories";
  if (make_owned("d/a", uid, 0755) || make_owned("d/b", uid, 0755) || make_owned("d/c", uid, 0755) ||
      make_owned("d/e", uid, 0755))
    return -1;

  *step = "clone the skeleton";
  if (clone_lower(spec->skeleton, "s", userns)) return -1;
  *step = "clone /usr";
  if (clone_lower(spec->usr, "u", userns)) return -1;
  if (userns >= 0) close(userns);
  *step = "mount the overlay of /";
  if (mount("overlay", "r", "overlay", MS_NOSUID | MS_NODEV, OVERLAY "lowerdir=s,upperdir=d/a,workdir=d/b")) return -1;
  *step = "mount the overlay of /usr";
  if (mount("overlay", "r/usr", "overlay", MS_NOSUID | MS_NODEV, OVERLAY "lowerdir=u,upperdir=d/c,workdir=d/e")) return -1;
  return 0;
}

int build_root(const struct root_spec *spec, const char **step) {
  *step = "make the mount namespace private";
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) return -1;
  /* crun refuses to start where version 1 and 2 of the cgroups are mounted side by side; by now this process has joined its own. */
  *step = "uncover the cgroups";
  if (umount2("/sys/fs/cgroup/unified", MNT_DETACH)) {
    if (errno != EINVAL && errno != ENOENT) return -1;
    /* What root has mounted is not an ordinary user's to take away; it can be covered. */
    if (errno == EINVAL && spec->size[0] && mount("tmpfs", "/sys/fs/cgroup/unified", "tmpfs", MS_NOSUID | MS_NODEV, "size=4k")) return -1;
  }
  *step = "cover the mount point";
  if (mount("tmpfs", spec->mount_point, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m")) return -1;
  /* From here on paths are short and relative: overlay options can be read inside the sandbox. */
  *step = "enter the mount point";
  if (chdir(spec->mount_point)) return -1;
  /* For what an OCI runtime notes of its container: the sandbox's own uid, and gone with this namespace. */
  if (make_owned("c", spec->uid, 0700)) return -1;
  if (spec->size[0] ? build_own_root(spec->skeleton, spec->usr, spec->size, spec->uid, step) : build_overlays(spec, step)) return -1;
  /* Terminals are counted for the whole host (kernel.pty.max): without a limit of its own one sandbox could have them all. */
  *step = "mount the terminals";
  if (mkdir("p", 0755) || mount("devpts", "p", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620,max=64")) return -1;
  return 0;
}
