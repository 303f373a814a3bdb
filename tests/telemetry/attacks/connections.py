"""More connections than anybody needs, and such that never get anywhere. Arguments: which. Prints what became of them."""

import json
import socket
import struct
import sys
import threading
import time

from http2 import Http2, PREFACE, frame, grpc, message, HEADERS, SETTINGS, call_headers
from otlp import GRPC, HTTP, connect, exchange, for_seconds, head, many, post, read_all, request, status_of, tally

BODY = request("connections")


def is_open(sock):
    """Whether the other side has not closed it by now. What it says is thrown away."""
    sock.setblocking(False)
    try:
        while True:
            if not sock.recv(65536):
                return False
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        try:
            sock.setblocking(True)
        except OSError:
            pass


def open_many(count, port):
    socks = []
    for _ in range(count):
        try:
            socks.append(connect(port, 5))
        except OSError:
            break
    return socks


def drip(seconds=5):
    """A thousand connections on which a byte comes now and then, of headers and bodies that never end."""
    begins = {
        HTTP: [head(1 << 20), b"POST /v1/traces HTTP/1.1\r\nx-a: ", head(None, transfer_encoding="chunked") + b"5\r\n", b""],
        GRPC: [PREFACE[:3], PREFACE + frame(SETTINGS, 0, 0), b"",
               PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 4, 1, call_headers()) + struct.pack(">I", 1 << 20)[1:] + b"\0\0\0\0\0\1"],
    }
    socks = {port: open_many(500, port) for port in (HTTP, GRPC)}
    for port, ours in socks.items():
        for index, sock in enumerate(ours):
            try:
                sock.sendall(begins[port][index % 4])
            except OSError:
                pass
    for _ in for_seconds(seconds):
        for sock in [*socks[HTTP], *socks[GRPC]]:
            try:
                sock.send(b"a")
            except OSError:
                pass
        time.sleep(0.2)
    opened = {str(port): len(ours) for port, ours in socks.items()}
    left = {str(port): sum(is_open(sock) for sock in ours) for port, ours in socks.items()}
    for sock in [*socks[HTTP], *socks[GRPC]]:
        sock.close()
    return {"opened": opened, "left": left, "afterwards": later()}


def later():
    """Whether it may send again by itself, once it lets others be: a status of each protocol."""
    for _ in for_seconds(30):
        answers = [post(BODY), grpc(BODY)]
        if answers == [200, 0]:
            return answers
        time.sleep(0.25)
    return answers


def half_open(seconds=3):
    """Connections that say nothing, that stop in the middle, whose other half is closed, and that are reset."""
    socks = []
    for port in (HTTP, GRPC):
        for _ in range(16):
            socks.append(connect(port))
            shut = connect(port)
            shut.sendall(b"POST")
            shut.shutdown(socket.SHUT_WR)
            socks.append(shut)
            reset = connect(port)
            reset.sendall(head(len(BODY) + 1) + BODY)
            reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            reset.close()
    answered = connect()
    answered.sendall(head(len(BODY)) + BODY)
    answered.shutdown(socket.SHUT_WR)
    report = {"answered though half closed": status_of(read_all(answered))}
    time.sleep(seconds)
    return {**report, "left": tally(is_open(sock) for sock in socks), "afterwards": later()}


def flood(seconds=4):
    """Connections opened and closed, or reset, as fast as it goes."""
    def work(index):
        count = 0
        for _ in for_seconds(seconds):
            try:
                sock = connect(HTTP if index % 2 else GRPC, 5)
                if index % 4 < 2:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.close()
                count += 1
            except OSError:
                pass
        return count
    return {"connections": sum(many(8, work)), "afterwards": later()}


def pipeline(seconds=4):
    """Requests one behind the other on a connection, without waiting for an answer, and without reading any."""
    kinds = [b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", head(len(BODY)) + BODY, head(3) + b"abc", head(0, path="/x"),
             b"POST /v1/traces HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 0\r\ncontent-type: application/json\r\n\r\n"]

    def work(index):
        sock = connect(timeout=1)
        many_of = kinds[index % len(kinds)] * 500
        sent = 0
        try:
            for _ in for_seconds(seconds):
                sent += sock.send(many_of)
        except OSError:
            pass
        return sent
    return {"bytes": sum(each for each in many(20, work) if isinstance(each, int)), "afterwards": later()}


def deaf(seconds=4):
    """Calls of gRPC whose answers cannot be sent, for the window is closed."""
    connections = [Http2(settings=b"\x00\x04\x00\x00\x00\x00") for _ in range(20)]
    calls = 0
    for _ in for_seconds(seconds):
        for connection in connections:
            try:
                stream = connection.begin()
                connection.send(frame(0, 1, stream, message(BODY)))
                calls += 1
            except OSError:
                pass
    return {"calls": calls, "afterwards": later()}


def wrong_protocol():
    """What belongs to the other port, and what belongs to none."""
    def http2_to(port):
        return exchange(PREFACE + frame(SETTINGS, 0, 0), port, timeout=3)[:60].decode("latin-1")
    tls = b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(150))
    return {
        "HTTP/1 on 4317": exchange(head(len(BODY)) + BODY, GRPC, timeout=3)[:60].decode("latin-1"),
        "GET on 4317": exchange(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", GRPC, timeout=3)[:60].decode("latin-1"),
        "HTTP/2 on 4318": http2_to(HTTP),
        "TLS on 4317": len(exchange(tls, GRPC, timeout=3)),
        "SSH on 4317": len(exchange(b"SSH-2.0-OpenSSH_9.2\r\n", GRPC, timeout=3)),
        "SSH on 4318": status_of(exchange(b"SSH-2.0-OpenSSH_9.2\r\n", HTTP, timeout=3)),
        "HTTP/0.9": status_of(exchange(b"GET /\r\n", HTTP, timeout=3)),
        "afterwards": later(),
    }


threading.stack_size(1 << 20)
which = {"drip": drip, "half-open": half_open, "flood": flood, "pipeline": pipeline, "deaf": deaf, "wrong-protocol": wrong_protocol}
print(json.dumps(which[sys.argv[1]]()))
