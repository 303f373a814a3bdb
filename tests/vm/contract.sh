# In the guest: the contract that every driver keeps, where control groups are of version 2 alone, as an ordinary user who was given one.
# Root's sandboxes cannot be made here: they map the owners of /usr, which 9p, by which the guest sees the host's files, does not know.
set -u
ip link set lo up
cd "$(dirname "$0")/../.." && source scripts/node-env.sh
echo "controllers: $(cat /sys/fs/cgroup/cgroup.controllers)"
echo "kernel: $(uname -r)"
given=/sys/fs/cgroup/given
mkdir $given /tmp/user
echo "+memory +pids +cpu" > /sys/fs/cgroup/cgroup.subtree_control
chown 54321:54321 $given $given/cgroup.procs $given/cgroup.threads $given/cgroup.subtree_control /tmp/user
echo $$ > $given/cgroup.procs
export HOME=/tmp/user TMPDIR=/tmp/user
exec setpriv --reuid=54321 --regid=54321 --clear-groups "$(command -v node)" --test --test-timeout=300000 \
  --test-reporter=spec packages/runtime/src/drivers/bubblewrap.test.ts
