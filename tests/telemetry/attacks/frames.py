"""HTTP/2 as nobody should speak it. Prints what became of each try, by its name."""

import json
import os
import random
import select
import struct
import sys

from http2 import (Http2, PREFACE, STATUS, block, call_headers, frame, grpc, message, text, ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM,
                   GOAWAY, HEADERS, PING, PRIORITY, PUSH, RST, SETTINGS, WINDOW)
from otlp import EXPORT, GRPC, exchange, for_seconds, many, request, tally

BODY = request("frames")
U32 = struct.Struct(">I").pack


def until_closed(connection, limit=20000):
    """Reads on; the code of a GOAWAY, "closed", or how often the peer went on."""
    try:
        for _ in range(limit):
            got = connection.read()
            if got is None:
                return "closed"
            if got[0] == GOAWAY:
                return f"GOAWAY {int.from_bytes(got[3][4:8], 'big')}"
    except OSError as error:
        return type(error).__name__
    return "goes on"


def flood(make, seconds=20, connections=4):
    """As many frames as are taken until it is cut off, while what is answered is read and thrown away."""
    def work(_):
        connection = Http2()
        try:
            for _ in for_seconds(seconds):
                connection.send(make(connection))
                while select.select([connection.sock], [], [], 0)[0]:
                    if not connection.sock.recv(65536):
                        return "closed"
        except OSError:
            return "closed"
        finally:
            connection.close()
        return "goes on"
    return tally(many(connections, work))


def rapid_reset(connection):
    out = b""
    for _ in range(50):
        connection.stream += 2
        out += frame(HEADERS, END_HEADERS, connection.stream, call_headers()) + frame(RST, 0, connection.stream, U32(8))
    return out


def open_streams(connection):
    out = b""
    for _ in range(50):
        connection.stream += 2
        out += frame(HEADERS, END_HEADERS, connection.stream, call_headers())
    return out


def refused_calls(connection):
    out = b""
    for _ in range(50):
        connection.stream += 2
        out += frame(HEADERS, END_HEADERS | END_STREAM, connection.stream, call_headers(path="/nothing/here"))
    return out


def real_calls(connection):
    out = b""
    for _ in range(20):
        connection.stream += 2
        out += frame(HEADERS, END_HEADERS, connection.stream, call_headers()) + frame(DATA, END_STREAM, connection.stream, message(BODY))
    return out


FLOODS = {
    "rapid reset": rapid_reset,
    "streams that are never ended": open_streams,
    "calls to nowhere": refused_calls,
    "calls without waiting": real_calls,
    "pings": lambda _: frame(PING, 0, 0, bytes(8)) * 500,
    "pongs": lambda _: frame(PING, ACK, 0, bytes(8)) * 500,
    "settings": lambda _: frame(SETTINGS, 0, 0, b"\x00\x03\x00\x00\x00\x64") * 500,
    "settings of zeros": lambda _: frame(SETTINGS, 0, 0, bytes(6) * 100) * 20,
    "priorities": lambda _: frame(PRIORITY, 0, 1, U32(0) + b"\x10") * 500,
    "windows": lambda _: frame(WINDOW, 0, 0, U32(1)) * 500,
    "unknown frames": lambda _: frame(200, 255, 0, bytes(100)) * 500,
    "resets of nothing": lambda _: frame(RST, 0, 1, U32(8)) * 500,
}


def empty_data(connection):
    if connection.stream < 0:
        connection.begin()
    return frame(DATA, 0, connection.stream) * 500


def continuations(connection):
    first = b"" if connection.stream > 0 else frame(HEADERS, 0, 1, block([(":method", "POST")]))
    connection.stream = 1
    return first + frame(CONTINUATION, 0, 1, block([("x" + os.urandom(4).hex(), "y" * 100)])) * 50


def header_bomb(connection):
    """One large header in the table, and then only its number, four thousand times a block."""
    out = b""
    if connection.stream < 0:
        connection.stream = 1
        out = frame(HEADERS, END_HEADERS | END_STREAM, 1, call_headers() + b"\x40" + text("x") + text("y" * 3900))
    connection.stream += 2
    return out + frame(HEADERS, END_HEADERS | END_STREAM, connection.stream, call_headers() + b"\xbe" * 4000)


FLOODS.update({"empty data": empty_data, "continuations": continuations, "header bombs": header_bomb})


def one(*frames, preface=PREFACE):
    """What becomes of a connection on which these come."""
    try:
        connection = Http2(timeout=3, preface=preface)
        connection.send(b"".join(frames))
        return until_closed(connection)
    except TimeoutError:
        return "goes on"
    except OSError as error:
        return type(error).__name__


def garbage():
    seeded = random.Random(4711)
    call = frame(HEADERS, END_HEADERS, 1, call_headers())
    yield "random bytes", tally(many(20, lambda _: one(seeded.randbytes(20_000))))
    yield "random bytes for a preface", len(exchange(seeded.randbytes(5000), GRPC, timeout=3))
    yield "random frames", tally(many(30, lambda _: one(*[
        frame(seeded.randrange(12), seeded.randrange(256), seeded.choice([0, 1, 3, 5, 1 << 30]), seeded.randbytes(seeded.randrange(40)))
        for _ in range(200)])))
    yield "a frame of 16 MiB", one(b"\xff\xff\xff\x00\x00\x00\x00\x00\x01" + bytes(100_000))
    yield "data on stream 0", one(frame(DATA, 0, 0, b"x"))
    yield "an even stream", one(frame(HEADERS, END_HEADERS, 2, call_headers()))
    yield "a push", one(frame(PUSH, END_HEADERS, 1, U32(2)))
    yield "a window that overflows", one(*[frame(WINDOW, 0, 0, U32(0x7FFFFFFF))] * 3)
    yield "headers that are none", one(frame(HEADERS, END_HEADERS, 1, b"\xff" * 200))
    yield "a header without an end", one(frame(HEADERS, END_HEADERS, 1, b"\x00\x7f\xff\xff\xff\xff\xff\xff"))
    for name, pieces in {
        "message of 4 GiB": [message(b"", length=0xFFFFFFFF) + b"x" * 100],
        "message of 17 MiB": [message(b"", length=17 << 20) + b"x" * 100],
        "compressed without a coding": [message(BODY, compressed=1)],
        "compressed flag of 7": [message(BODY, compressed=7)],
        "two messages": [message(BODY) * 2],
        "half a message": [message(BODY)[:20]],
        "no message": [b""],
        "half a prefix": [b"\x00\x00"],
        "byte by byte": [bytes([each]) for each in message(BODY)],
    }.items():
        connection = Http2(timeout=5)
        stream = connection.begin()
        for index, piece in enumerate(pieces):
            connection.send(frame(DATA, END_STREAM if index == len(pieces) - 1 else 0, stream, piece))
        yield name, connection.status(stream)
        connection.close()
    yield "not OTLP", grpc(b"\xff" * 1000)
    yield "another service", grpc(BODY, path="/opentelemetry.proto.collector.trace.v1.TraceService/Delete")
    yield "another path", grpc(BODY, path="/")
    yield "other content type", grpc(BODY, content_type="text/html")
    yield "unknown coding", grpc(BODY, extra=[("grpc-encoding", "zstd")])
    for value in ("1n", "0S", "99999999H", "-1S", "x", "1" * 1000):
        yield f"timeout {value[:12]}", grpc(BODY, extra=[("grpc-timeout", value)])
    yield "a hundred headers", grpc(BODY, extra=[(f"x{index}", "y") for index in range(100)])
    yield "64 KiB of headers", grpc(BODY, extra=[(f"x{index}", "y" * 1000) for index in range(15)])
    yield "NULs in metadata", grpc(BODY, extra=[("x", "a\0b")])
    yield "afterwards", grpc(BODY)


if sys.argv[1] == "garbage":
    print(json.dumps(dict(garbage())))
elif sys.argv[1] == "floods":
    print(json.dumps(list(FLOODS)))
else:
    print(json.dumps(flood(FLOODS[sys.argv[1]])))
