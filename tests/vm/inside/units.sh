# In the guest: the unit of docs/install.md as it is there, and as it says for root; each is started by systemd, asked to do its work, and
# stopped.
set -u
export PATH=/usr/local/bin:/usr/bin:/usr/sbin
cd /opt/sandglass
echo "kernel $(uname -r), $(systemctl --version | head -n 1)"
status=0
for unit in sandglass sandglass-root; do
  systemd-analyze verify "/etc/systemd/system/$unit.service" || status=1
  SANDGLASS_UNIT=$unit node --test --test-timeout=2000000 --test-reporter=spec tests/vm/inside/service-checks.ts || { journalctl --no-pager -u $unit | tail -n 60; status=1; }
done
exit $status
