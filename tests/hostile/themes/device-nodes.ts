import assert from "node:assert/strict";
import type { Attack } from "../attack.ts";

/** Names for the host's disks, memory and devices. */
export const deviceNodes: Attack = {
  name: "no device node can be made or opened, and those there are lead nowhere",
  async run(scene) {
    const made = await scene.python(`
import json, os, stat
made, opened = [], []
for kind, major, minor in ((stat.S_IFBLK, 8, 0), (stat.S_IFBLK, 7, 0), (stat.S_IFCHR, 1, 1), (stat.S_IFCHR, 10, 237), (stat.S_IFCHR, 1, 11)):
    for where in ("/tmp", "/dev", "/dev/shm", "/workspace", "/usr"):
        path = "%s/node-%d-%d" % (where, major, minor)
        try:
            os.mknod(path, kind | 0o666, os.makedev(major, minor)); made.append(where)
            os.close(os.open(path, os.O_RDONLY)); opened.append(path)
        except OSError: pass
blocks = [name for name in os.listdir("/dev") if stat.S_ISBLK(os.lstat("/dev/" + name).st_mode) and not name.startswith("node-")]
print(json.dumps([made, opened + blocks]))`);
    const [places, opened] = made;
    assert.deepEqual(opened, []);
    // A name in gVisor's own /dev is a name: there is no device behind it, and none of them is on the host's disk.
    const harmless = scene.isolation === "gvisor" ? ["/dev", "/dev/shm"] : [];
    assert.deepEqual(
      places.filter((place: string) => !harmless.includes(place)),
      [],
    );
  },
};
