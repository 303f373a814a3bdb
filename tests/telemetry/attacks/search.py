"""Looks for texts in everything that can be read in a sandbox. Arguments: the texts, the first character of each apart ("s 3cret"), so that
nobody holds one for having looked for it. Prints where each was found, and how much was looked at."""

import json
import os
import re
import stat
import sys

MOST = 1 << 26
HOSTS_OWN = ("/proc", "/sys", "/usr", "/opt/node")


def patterns(pieces):
    """A class for the first character: neither the pattern nor what is compiled of it has the text in it."""
    return [re.compile(b"[" + first.encode() + b"]" + re.escape(rest.encode())) for first, rest in zip(pieces[::2], pieces[1::2])]


class Search:
    def __init__(self, pieces):
        self.patterns = patterns(pieces)
        self.found = {}
        self.looked = {}

    def look(self, where, kind, data):
        self.looked[kind] = self.looked.get(kind, 0) + 1
        for index, pattern in enumerate(self.patterns):
            if pattern.search(data):
                self.found.setdefault(str(index), []).append(where)

    def file(self, path, kind):
        try:
            with open(path, "rb") as file:
                self.look(path, kind, file.read(MOST))
        except OSError:
            pass

    def memory(self, pid):
        try:
            maps = open(f"/proc/{pid}/maps").read().splitlines()
            memory = open(f"/proc/{pid}/mem", "rb", 0)
        except OSError:
            return
        for line in maps:
            place, rights = line.split()[:2]
            begin, end = (int(each, 16) for each in place.split("-"))
            if "r" not in rights or "[v" in line:
                continue
            try:
                memory.seek(begin)
                self.look(f"/proc/{pid}/mem", "memory", memory.read(min(end - begin, MOST)))
            except (OSError, ValueError, OverflowError):
                pass

    def processes(self):
        for pid in [name for name in os.listdir("/proc") if name.isdigit()] + ["self", "thread-self"]:
            for name in ("environ", "cmdline", "maps", "mountinfo", "comm", "status", "cgroup", "auxv"):
                self.file(f"/proc/{pid}/{name}", name)
            self.memory(pid)
            for directory in ("fd", "map_files", "cwd", "root"):
                try:
                    path = f"/proc/{pid}/{directory}"
                    names = os.listdir(path) if directory in ("fd", "map_files") else [""]
                    for name in names:
                        self.look(f"{path}/{name}", "links", os.readlink(f"{path}/{name}".rstrip("/")).encode())
                except OSError:
                    pass

    def files(self):
        for directory, below, names in os.walk("/", onerror=None):
            below[:] = [name for name in below if not os.path.join(directory, name).startswith(HOSTS_OWN)]
            self.look(directory, "names", os.fsencode("\n".join([directory, *below, *names])))
            for name in names:
                path = os.path.join(directory, name)
                try:
                    if stat.S_ISREG(os.lstat(path).st_mode):
                        self.file(path, "files")
                except OSError:
                    pass
        for path in ("/proc/net/unix", "/proc/net/tcp", "/proc/keys", "/proc/mounts", "/proc/cmdline", "/proc/version", "/proc/kmsg"):
            self.file(path, "kernel")

    def environment(self):
        self.look("environment", "own environment", "\n".join(f"{name}={value}" for name, value in os.environ.items()).encode())
        self.look("arguments", "own environment", "\0".join(sys.argv).encode())


def search(pieces):
    run = Search(pieces)
    run.environment()
    run.processes()
    run.files()
    print(json.dumps({"found": run.found, "looked": run.looked}))


if __name__ == "__main__" and len(sys.argv) > 2:
    search(sys.argv[1:])
