"""HTTP/2 and gRPC by hand: frames as one likes."""

import re
import struct

from otlp import EXPORT, GRPC, connect

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
# "grpc-status" as HPACK writes it, plain or by its Huffman code, and then the length of the value.
STATUS = re.compile(rb"(?:\x0bgrpc-status|\x88\x9a\xca\xc8\xb2\x12\x34\xda\x8f)(?:\x01(\d)|\x02(\d\d))")


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def text(value):
    """A string literal; lengths of 127 and more continue (RFC 7541, 5.1)."""
    value = value if isinstance(value, bytes) else value.encode("latin-1")
    if len(value) < 127:
        return bytes([len(value)]) + value
    rest, out = len(value) - 127, bytearray([127])
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    return bytes(out) + bytes([rest]) + value


def block(pairs):
    return b"".join(b"\x00" + text(name) + text(value) for name, value in pairs)


def call_headers(path=EXPORT, extra=(), authority="x", content_type="application/grpc"):
    return block([(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", authority),
                  ("content-type", content_type), ("te", "trailers"), *extra])


def message(body, compressed=0, length=None):
    return struct.pack(">BI", compressed, len(body) if length is None else length) + body


class Http2:
    """One connection. Table size 0, so that what is answered can be read without remembering anything."""

    def __init__(self, port=GRPC, settings=b"\x00\x01\x00\x00\x00\x00", timeout=20, preface=PREFACE):
        self.sock = connect(port, timeout)
        self.buffer = b""
        self.stream = -1
        self.window = 65535
        self.send(preface + frame(SETTINGS, 0, 0, settings))

    def send(self, data):
        self.sock.sendall(data)

    def close(self):
        self.sock.close()

    def read(self):
        """The next frame as (kind, flags, stream, payload); None at the end."""
        while True:
            if len(self.buffer) >= 9:
                length = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) >= 9 + length:
                    kind, flags = self.buffer[3], self.buffer[4]
                    stream = int.from_bytes(self.buffer[5:9], "big") & 0x7FFFFFFF
                    payload, self.buffer = self.buffer[9:9 + length], self.buffer[9 + length:]
                    if kind == SETTINGS and not flags & ACK:
                        self.send(frame(SETTINGS, ACK, 0))
                    return kind, flags, stream, payload
            piece = self.sock.recv(65536)
            if not piece:
                return None
            self.buffer += piece

    def begin(self, headers=None, end=False):
        self.stream += 2
        flags = END_HEADERS | (END_STREAM if end else 0)
        self.send(frame(HEADERS, flags, self.stream, call_headers() if headers is None else headers))
        return self.stream

    def status(self, stream):
        """grpc-status of the stream's end; "RST <code>", "GOAWAY <code>" or "closed" where it has none."""
        while True:
            got = self.read()
            if got is None:
                return "closed"
            kind, flags, of, payload = got
            if kind == GOAWAY:
                return f"GOAWAY {int.from_bytes(payload[4:8], 'big')}"
            if of != stream:
                continue
            if kind == RST:
                return f"RST {int.from_bytes(payload, 'big')}"
            if kind == HEADERS and flags & END_STREAM:
                found = STATUS.search(payload)
                return int(found[1] or found[2]) if found else "no status"

    def call(self, body, headers=None):
        """A call whose message fits the windows that every connection begins with."""
        stream = self.begin(headers)
        for at in range(0, len(body), 16384):
            piece = body[at:at + 16384]
            self.send(frame(DATA, END_STREAM if at + 16384 >= len(body) else 0, stream, piece))
        return self.status(stream)


def grpc(body, extra=(), **options):
    """One call on a connection of its own: its status, or what became of it."""
    try:
        connection = Http2()
        try:
            return connection.call(message(body), call_headers(extra=extra, **options))
        finally:
            connection.close()
    except OSError as error:
        return type(error).__name__
