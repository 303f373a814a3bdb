import assert from "node:assert/strict";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { arch } from "node:process";
import type { Theme } from "../attack.ts";
import { callInside } from "../calls.ts";

/** Connects to each `[host, port]`, and says what it came to: what was read, or the error. */
const CONNECT = `
import errno, json, socket, sys
answers = {}
for host, port in json.loads(sys.argv[1]):
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as s:
            s.settimeout(3)
            s.connect((host, port))
            answers["%s %d" % (host, port)] = "connected " + s.recv(100).decode("latin1")
    except socket.gaierror: answers["%s %d" % (host, port)] = "no name"
    except OSError as error: answers["%s %d" % (host, port)] = errno.errorcode.get(error.errno, "timeout")
print(json.dumps(answers))`;

const NOWHERE = /^(ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|EACCES|EADDRNOTAVAIL|EINVAL|no name)$/;
const [SOCKET, SOCKETPAIR] = arch === "x64" ? [41, 53] : [198, 199];

/** Ways out of a sandbox that has no network, and to the daemon. */
export const network: Theme = {
  name: "the network and the daemon",
  attacks: [
    {
      name: "the host's loopback is not its own: neither the daemon's port nor any other answers, in whatever notation",
      async run(scene) {
        const { host } = scene;
        const port = Number(new URL(host.daemon.url).port);
        const notations = [
          "127.0.0.1",
          "127.1",
          "0x7f000001",
          "2130706433",
          "0177.0.0.1",
          "0.0.0.0",
          "localhost",
          "127.0.0.53",
        ];
        const six = ["::1", "::ffff:127.0.0.1", "::", "0:0:0:0:0:ffff:7f00:1"];
        const targets = [...notations, ...six].flatMap((name) =>
          [port, host.port].map((each) => [name, each]),
        );
        const answers = await scene.python(CONNECT, JSON.stringify(targets));
        for (const [target, answer] of Object.entries(answers)) assert.match(String(answer), NOWHERE, target);
      },
    },
    {
      name: "no other address of the host answers",
      async run(scene) {
        const { host } = scene;
        const port = Number(new URL(host.daemon.url).port);
        const addresses = Object.values(networkInterfaces()).flatMap((all) =>
          (all ?? []).map(({ address }) => address),
        );
        const answers = await scene.python(
          CONNECT,
          JSON.stringify(addresses.map((address) => [address, port])),
        );
        assert.ok(Object.keys(answers).length > 0);
        for (const [target, answer] of Object.entries(answers)) assert.match(String(answer), NOWHERE, target);
      },
    },
    {
      name: "link-local and metadata addresses, private networks and the internet are nowhere",
      async run(scene) {
        const hosts = [
          "169.254.169.254",
          "169.254.170.2",
          "100.100.100.200",
          "10.0.0.1",
          "192.168.0.1",
          "172.17.0.1",
        ];
        const others = [
          "1.1.1.1",
          "255.255.255.255",
          "224.0.0.1",
          "fd00:ec2::254",
          "fe80::1",
          "2606:4700::1",
        ];
        const targets = [...hosts, ...others].map((host) => [host, 80]);
        const answers = await scene.python(CONNECT, JSON.stringify(targets));
        for (const [target, answer] of Object.entries(answers)) assert.match(String(answer), NOWHERE, target);
      },
    },
    {
      name: "no name resolves, and no datagram leaves",
      async run(scene) {
        const answers = await scene.python(`
import json, socket
answers = []
for name in ("example.org", "metadata.google.internal", "host.docker.internal"):
    try: answers.append(socket.getaddrinfo(name, 80)[0][4])
    except OSError: pass
for target in (("8.8.8.8", 53), ("169.254.169.254", 80), ("224.0.0.251", 5353)):
    try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", target); answers.append(target)
    except OSError: pass
print(json.dumps(answers))`);
        assert.deepEqual(answers, []);
      },
    },
    {
      name: "raw and packet sockets cannot be had",
      async run(scene) {
        const answers = await callInside(scene, {
          raw: [SOCKET, 2, 3, 1],
          raw6: [SOCKET, 10, 3, 58],
          packet: [SOCKET, 17, 3, 0x300],
          packetOld: [SOCKET, 2, 10, 0x300],
        });
        for (const [name, answer] of Object.entries(answers)) assert.notEqual(answer, "ok", name);
      },
    },
    {
      name: "families and protocols that make the kernel load modules are refused, for pairs of sockets too",
      async run(scene) {
        const answers = await callInside(scene, {
          alg: [SOCKET, 38, 5, 0],
          vsock: [SOCKET, 40, 1, 0],
          bluetooth: [SOCKET, 31, 3, 0],
          can: [SOCKET, 29, 3, 1],
          tipc: [SOCKET, 30, 1, 0],
          rds: [SOCKET, 21, 5, 0],
          kcm: [SOCKET, 41, 5, 0],
          smc: [SOCKET, 43, 1, 0],
          xdp: [SOCKET, 44, 3, 0],
          tipcPair: [SOCKETPAIR, 30, 1, 0, "p"],
        });
        for (const [name, answer] of Object.entries(answers)) assert.equal(answer, "EAFNOSUPPORT", name);
        const protocols = await callInside(scene, {
          sctp: [SOCKET, 2, 1, 132],
          dccp: [SOCKET, 2, 6, 33],
          udpLite: [SOCKET, 2, 2, 136],
          mptcp: [SOCKET, 2, 1, 262],
          sctp6: [SOCKET, 10, 5, 132],
        });
        for (const [name, answer] of Object.entries(protocols)) assert.equal(answer, "EPROTONOSUPPORT", name);
        const { seqpacket } = await callInside(scene, { seqpacket: [SOCKET, 2, 5, 0] });
        assert.equal(seqpacket, "ESOCKTNOSUPPORT");
      },
    },
    {
      name: "netlink lists its own addresses, and administers nothing",
      async run(scene) {
        const answers = await callInside(
          scene,
          Object.fromEntries(
            [1, 2, 4, 6, 9, 12, 15, 16, 20, 21].map((n) => [String(n), [SOCKET, 16, 3, n] as const]),
          ),
        );
        for (const [name, answer] of Object.entries(answers)) assert.equal(answer, "EPROTONOSUPPORT", name);
        const { names, added } = await scene.python(`
import json, socket, struct, fcntl
names = [name for _, name in socket.if_nameindex()]
added = []
try:
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    s.send(struct.pack("=IHHII", 32, 16, 0x605, 1, 0) + struct.pack("=BxHiII", 0, 0, 0, 0, 0))
    error = struct.unpack_from("=i", s.recv(1000), 16)[0]
    if error == 0: added.append("link")
except OSError: pass
try:
    fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh22x", b"lo", 0)); added.append("lo is down")
except OSError: pass
try:
    fcntl.ioctl(socket.socket(), 0x8916, struct.pack("16sHH4s8x8x", b"lo", 2, 0, b"\\x0a\\0\\0\\1")); added.append("address")
except OSError: pass
print(json.dumps({"names": names, "added": added}))`);
        assert.deepEqual({ names, added }, { names: ["lo"], added: [] });
      },
    },
    {
      name: "abstract sockets of the host and of neighbours are not there, and are not listed",
      async run(scene) {
        const names = [scene.host.abstractName, "neighbour", "/tmp/.X11-unix/X0", "/containerd-shim"];
        const { reached, listed } = await scene.python(
          `
import json, socket, sys
reached = []
for name in json.loads(sys.argv[1]):
    try:
        s = socket.socket(socket.AF_UNIX)
        s.connect("\\0" + name)
        reached.append(name + s.recv(100).decode())
    except OSError: pass
listed = [line.split()[-1] for line in open("/proc/net/unix").readlines()[1:] if len(line.split()) > 7]
print(json.dumps({"reached": reached, "listed": listed}))`,
          JSON.stringify(names),
        );
        assert.deepEqual(reached, []);
        assert.deepEqual(listed, []);
      },
    },
    {
      name: "a neighbour's ports, shared memory, semaphores and queues are not there",
      async run(scene) {
        const found = await scene.python(`
import json, os, socket
found = os.listdir("/dev/shm")
for port in (7777, 4318, 4317):
    s = socket.socket()
    if s.connect_ex(("127.0.0.1", port)) == 0 and port == 7777: found.append(port)
for name in ("shm", "sem", "msg"):
    try: found += open("/proc/sysvipc/" + name).readlines()[1:]
    except OSError: pass
print(json.dumps(found))`);
        assert.deepEqual(found, []);
      },
    },
    {
      name: "the daemon's API is not behind the collector's port inside, by any method or path",
      async run(scene) {
        const statuses = await scene.python(
          `
import http.client, json, sys
statuses = {}
for method, path in (("GET", "/v1/sandboxes"), ("POST", "/v1/sandboxes"), ("GET", "/v1/events"), ("GET", "/metrics"), ("GET", "/healthz"),
                     ("POST", "/v1/traces"), ("GET", sys.argv[1] + "/v1/sandboxes"), ("GET", "/../v1/keys"), ("DELETE", "/v1/sandboxes/x")):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", 4318, timeout=5)
        connection.request(method, path, "{}", {"host": "127.0.0.1", "authorization": "Bearer x", "content-type": "application/json"})
        statuses[method + " " + path] = connection.getresponse().status
    except OSError as error: statuses[method + " " + path] = str(error)
print(json.dumps(statuses))`,
          scene.host.daemon.url,
        );
        const { "POST /v1/traces": collectors, ...others } = statuses;
        assert.equal(collectors, 200, "the collector is not there");
        for (const [what, status] of Object.entries(others))
          assert.ok([404, 405].includes(Number(status)), `${what}: ${status}`);
      },
    },
    {
      name: "the daemon's own socket for agents cannot be found or reached",
      async run(scene) {
        const path = `${scene.host.daemon.dataDir}/runtime/agent.sock`;
        const found = await scene.python(
          `
import json, os, socket, stat, sys
found = []
try: socket.socket(socket.AF_UNIX).connect(sys.argv[1]); found.append(sys.argv[1])
except OSError: pass
for top, directories, names in os.walk("/"):
    if top.startswith(("/proc", "/usr/share", "/usr/lib")): directories.clear(); continue
    for name in names:
        try:
            if stat.S_ISSOCK(os.lstat(os.path.join(top, name)).st_mode): found.append(os.path.join(top, name))
        except OSError: pass
print(json.dumps(found))`,
          path,
        );
        assert.deepEqual(found, []);
      },
    },
    {
      name: "what listens inside is not reachable from the host",
      async run(scene) {
        const { ended } = await scene.start(
          [
            "python3",
            "-uc",
            "import socket; s = socket.create_server(('0.0.0.0', 17654)); print('listens'); s.settimeout(60); s.accept()",
          ],
          "listens",
        );
        const reached = await new Promise<boolean>((resolve) => {
          const socket = connect(17_654, "127.0.0.1");
          socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
        });
        assert.equal(reached, false);
        await scene.run("kill -9 -1");
        assert.equal((await ended).cause, "killed");
      },
    },
  ],
};
