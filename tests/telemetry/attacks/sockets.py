"""Tries to take the collector's place, and to take its network away. Prints what became of each try: "yes", or the name of the error."""

import ctypes
import errno
import fcntl
import json
import os
import re
import socket
import struct
import subprocess

from http2 import grpc
from otlp import GRPC, HTTP, post, request

BODY = request("sockets")
results = {}


def attempt(name, work):
    try:
        results[name] = work() or "yes"
    except OSError as error:
        results[name] = errno.errorcode.get(error.errno, str(error))


def bind(port, address, option, family=socket.AF_INET):
    sock = socket.socket(family)
    if option:
        sock.setsockopt(socket.SOL_SOCKET, option, 1)
    sock.bind((address, port))
    sock.listen()


for port in (HTTP, GRPC):
    for option_name, option in (("", 0), (" reuse address", socket.SO_REUSEADDR), (" reuse port", socket.SO_REUSEPORT)):
        attempt(f"bind 127.0.0.1:{port}{option_name}", lambda: bind(port, "127.0.0.1", option))
        attempt(f"bind 0.0.0.0:{port}{option_name}", lambda: bind(port, "0.0.0.0", option))
        attempt(f"bind [::]:{port}{option_name}", lambda: bind(port, "::", option, socket.AF_INET6))


def interface(request_code, payload):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, request_code, payload)


attempt("loopback down", lambda: interface(0x8914, struct.pack("16sh14x", b"lo", 0)))
attempt("loopback's address", lambda: interface(0x8916, struct.pack("16sHH4s8x", b"lo", 2, 0, socket.inet_aton("10.0.0.1"))))
attempt("raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP).close())
attempt("packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300).close())
for path, value in (("ipv4/ip_local_port_range", "4317 4318"), ("ipv4/tcp_mem", "1 1 1"), ("core/somaxconn", "0"),
                    ("ipv4/conf/lo/route_localnet", "1"), ("ipv4/ip_local_reserved_ports", "")):
    def write(path=path, value=value):
        with open(f"/proc/sys/net/{path}", "w") as file:
            file.write(value)
    attempt(f"sysctl {path}", write)


def kill_socket():
    """SOCK_DESTROY of the listener (ss --kill)."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)
    identity = struct.pack(">HH4s12x4s12xI", HTTP, 0, socket.inet_aton("127.0.0.1"), bytes(4), 0) + b"\xff" * 8
    body = struct.pack("BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, 1 << 10) + identity
    sock.send(struct.pack("IHHII", 16 + len(body), 21, 5, 1, 0) + body)
    answer = sock.recv(4096)
    code = -struct.unpack_from("i", answer, 16)[0]
    if code:
        raise OSError(code, "")


attempt("kill the listener", kill_socket)
libc = ctypes.CDLL(None, use_errno=True)


def unshare():
    if libc.unshare(0x40000000) != 0:
        raise OSError(ctypes.get_errno(), "")


attempt("another network", unshare)
listening = {line.split()[9] for line in open("/proc/net/tcp").read().splitlines()[1:] if line.split()[3] == "0A"}
held = set()
for pid in (name for name in os.listdir("/proc") if name.isdigit()):
    try:
        held |= set(re.findall(r"socket:\[(\d+)\]", " ".join(os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))))
    except OSError:
        pass
results["listeners"] = len(listening)
results["listeners in reach"] = len(listening & held)
results["HTTP afterwards"] = post(BODY)
results["gRPC afterwards"] = grpc(BODY)
print(json.dumps(results))
