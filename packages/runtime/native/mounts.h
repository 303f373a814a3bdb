#ifndef SANDGLASS_MOUNTS_H
#define SANDGLASS_MOUNTS_H

struct root_spec {
  const char *mount_point; /* a directory of the daemon's, covered by a tmpfs in this sandbox's mount namespace */
  const char *image;       /* formatted ext4 image to copy, or `disk` itself where that is one already; "" for no disk of its own (upper on the host's file system) */
  const char *disk;        /* where the copy goes (or the directory that holds the upper, without an image) */
  const char *size;        /* of a disk in memory (own-root.h) instead of image, disk and overlays; "" for none */
  const char *skeleton;    /* lower layer of / */
  const char *usr;         /* lower layer of /usr */
  unsigned uid;            /* the sandbox's first host uid and gid */
  int idmap;               /* map the lowers' owners into the sandbox's ids */
};

/* Builds the root at "<mount_point>/r" in the calling process's own mount namespace. Returns 0, or -1 with `step` naming
   what failed and errno set. */
int build_root(const struct root_spec *spec, const char **step);

#endif
