"""Requests that are more than they look like. Arguments: which. Prints how many answers there were of each kind, by name."""

import gzip
import json
import struct
import sys
import zlib

from http2 import Http2, call_headers, frame, grpc, message, DATA, END_STREAM
from otlp import (attribute, connect, exchange, field, for_seconds, head, many, patiently, post, read_all, request, scope, span,
                  status_of, tally, varint)

MIB = 1 << 20
GIB = 1 << 30


def zeros(size=GIB):
    """gzip of that many zeros in one member. Made of one piece over and over: to compress it all would take seconds."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = deflate.compress(bytes(MIB)) + deflate.flush(zlib.Z_FULL_FLUSH)
    piece = deflate.compress(bytes(MIB)) + deflate.flush(zlib.Z_FULL_FLUSH)
    crc = 0
    for _ in range(size // MIB):
        crc = zlib.crc32(bytes(MIB), crc)
    start = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    return start + first + piece * (size // MIB - 1) + deflate.flush() + struct.pack("<II", crc, size & 0xFFFFFFFF)


def gzipped(body, **headers):
    return patiently(lambda: post(body, content_encoding="gzip", **headers))


def as_json(text):
    return patiently(lambda: post(text.encode(), content_type="application/json"))


def grpc_bomb(body):
    connection = Http2()
    try:
        stream = connection.begin(call_headers(extra=[("grpc-encoding", "gzip")]))
        whole = message(body, compressed=1)
        while connection.window < (1 << 20):  # until the windows are opened
            got = connection.read()
            if got is None or got[0] == 8 and got[2] == 0:
                break
        for at in range(0, len(whole), 16384):
            last = at + 16384 >= len(whole)
            connection.send(frame(DATA, END_STREAM if last else 0, stream, whole[at:at + 16384]))
        return connection.status(stream)
    finally:
        connection.close()


def bombs():
    bomb = zeros()
    member = gzip.compress(bytes(MIB))
    says_little = bomb[:-4] + struct.pack("<I", 1000)
    yield "bytes", len(bomb)
    yield "one", gzipped(bomb)
    yield "members", gzipped(member * 1024)
    yield "says it is small", gzipped(says_little)
    yield "as JSON", gzipped(bomb, content_type="application/json")
    yield "in a bomb", gzipped(gzip.compress(bomb))
    yield "said twice", post(gzip.compress(bomb), content_encoding="gzip, gzip")
    for coding in ("deflate", "br", "zstd", "compress", "GZIP;q=1", "gzip,identity"):
        yield coding, post(zlib.compress(b"x"), content_encoding=coding)
    yield "x-gzip", post(bomb, content_encoding="x-gzip")
    yield "cut", gzipped(bomb[: len(bomb) // 2])
    yield "trailing garbage", gzipped(gzip.compress(request("bomb-tail")) + b"garbage" * 1000)
    yield "small", gzipped(zeros(16 * MIB))
    yield "gRPC", grpc_bomb(bomb)


def at_once():
    bomb = zeros()
    small = zeros(15 * MIB)
    send = lambda body: post(body, content_encoding="gzip")
    yield "HTTP", tally(many(64, lambda _: send(bomb)))
    yield "gRPC", tally(many(32, lambda _: grpc_bomb(bomb)))
    yield "small ones", tally(many(64, lambda _: send(small)))


def raw(*lines, body=b"", wait=3):
    return status_of(exchange("\r\n".join(["POST /v1/traces HTTP/1.1", "host: x", "content-type: application/x-protobuf", *lines, "", ""])
                              .encode("latin-1") + body, timeout=wait))


def endless(chunk, seconds):
    """A body without an end, as fast as it is taken."""
    with connect(timeout=5) as sock:
        sock.sendall(head(None, transfer_encoding="chunked"))
        piece = f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n"
        sent = 0
        try:
            for _ in for_seconds(seconds):
                sock.sendall(piece * max(1, 65536 // len(piece)))
                sent += 1
        except OSError:
            pass
        return status_of(read_all(sock))


def framing():
    body = request("framing")
    length = f"content-length: {len(body)}"
    yield "longer than said", raw("content-length: 5", body=body)
    yield "shorter than said", raw(f"content-length: {len(body) + 5}", body=body)
    yield "a promise of 16 EiB", raw(f"content-length: {2 ** 64 - 1}", body=body)
    yield "beyond 64 bits", raw(f"content-length: {2 ** 80}", body=body)
    yield "1 GiB said", raw(f"content-length: {GIB}", body=body)
    yield "negative", raw("content-length: -1", body=body)
    yield "plus", raw(f"content-length: +{len(body)}", body=body)
    yield "hex", raw("content-length: 0x10", body=body)
    yield "two lengths", raw(length, "content-length: 1", body=body)
    yield "length and chunks", raw(length, "transfer-encoding: chunked", body=b"0\r\n\r\n" + body)
    yield "chunks and length", raw("transfer-encoding: chunked", length, body=b"0\r\n\r\n" + body)
    yield "not the last coding", raw("transfer-encoding: chunked, identity", body=b"0\r\n\r\n")
    yield "unknown coding", raw("transfer-encoding: xchunked", body=b"0\r\n\r\n")
    yield "space before the colon", raw("transfer-encoding : chunked", body=b"0\r\n\r\n")
    yield "folded", raw("transfer-encoding:", " chunked", body=b"0\r\n\r\n")
    yield "bare line feeds", status_of(exchange(b"POST /v1/traces HTTP/1.1\nhost: x\ncontent-length: 0\n\n", timeout=3))
    yield "chunk size beyond 64 bits", raw("transfer-encoding: chunked", body=b"f" * 17 + b"\r\n")
    yield "negative chunk", raw("transfer-encoding: chunked", body=b"-1\r\n\r\n")
    yield "chunk extensions", raw("transfer-encoding: chunked", body=b"1;" + b"x" * MIB + b"\r\n")
    yield "trailers", raw("transfer-encoding: chunked", body=b"0\r\n" + b"x: y\r\n" * 100_000 + b"\r\n")
    yield "NUL in a header", raw("x: a\0b", length, body=body)
    yield "NUL in the path", status_of(exchange(b"POST /v1/traces\0 HTTP/1.1\r\nhost: x\r\n\r\n", timeout=3))
    yield "a megabyte of headers", raw(*["x-padding: " + "y" * 1000] * 1000)
    yield "ten thousand headers", raw(*[f"a{index}: b" for index in range(10_000)])
    yield "NULs", status_of(exchange(bytes(MIB), timeout=3))
    yield "TLS", status_of(exchange(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600), timeout=3))
    yield "endless", tally(many(8, lambda _: endless(b"x" * 60_000, 3)))
    yield "endless, byte by byte", tally(many(8, lambda _: endless(b"x", 3)))


def deep(levels, wrap):
    """Values in values, from the outside in: built from the inside it would be copied again and again."""
    fronts, length = [], 0
    for _ in range(levels):
        front = wrap(length)
        fronts.append(front)
        length += len(front)
    return b"".join(reversed(fronts))


def front(number, length):
    return varint(number << 3 | 2) + varint(length)


def list_front(length):
    inner = front(1, length)  # ArrayValue.values
    return front(5, len(inner) + length) + inner  # AnyValue.array_value


def map_front(length):
    value = front(2, length)  # KeyValue.value
    pair = front(1, len(value) + length) + value  # KeyValueList.values
    return front(6, len(pair) + length) + pair  # AnyValue.kvlist_value


def shapes():
    send = lambda body: patiently(lambda: post(body))
    for name, wrap in (("lists", list_front), ("maps", map_front)):
        for levels in (20, 100_000):
            value = deep(levels, wrap)
            yield f"{levels} {name}", send(request(f"deep-{name}-{levels}", resource=field(1, attribute("x", value))))
            yield f"{levels} {name} in a span", send(field(1, scope(span(f"deep-{name}-{levels}", field(9, attribute("x", value))))))
    text = '{"resourceSpans":[{"resource":{"attributes":[{"key":"x","value":%s}]}}]}'
    opening = {"lists": ('{"arrayValue":{"values":[', "]}}"), "maps": ('{"kvlistValue":{"values":[{"key":"a","value":', "}]}}")}
    for name, (begin, end) in opening.items():
        for levels in (20, 50_000):
            yield f"{levels} {name} in JSON", as_json(text % (begin * levels + "{}" + end * levels))
    spans = '{"resourceSpans":[{"scopeSpans":[{"spans":[%s]}]}]}'
    for name, body in {
        "brackets": "[" * 100_000,
        "braces": '{"a":' * 100_000,
        "closed": '{"x":' + "[" * 100_000 + "]" * 100_000 + "}",
        "closed, with a number": '{"y":1e99,"x":' + "[" * 100_000 + "]" * 100_000 + "}",
        "digits": spans % ('{"startTimeUnixNano":' + "9" * (3 * MIB) + "}"),
        "huge exponent": spans % '{"kind":1e999999999}',
        "NULs": "\0" * MIB,
        "quotes": '"' * MIB,
        "escapes": '"' + "\\u0000" * (MIB // 2) + '"',
        "keys": "{" + ",".join(f'"{index}":0' for index in range(250_000)) + "}",
        "empty spans": spans % ",".join(["{}"] * 1_300_000),
        "empty attributes": '{"y":9007199254740993,"resourceSpans":[{"resource":{"attributes":[%s]}}]}' % ",".join(["{}"] * 1_300_000),
        "nothing": "",
        "null": "null",
        "5 MiB": '{"x":"' + "y" * (5 * MIB) + '"}',
    }.items():
        yield f"JSON {name}", as_json(body)
    yield "invalid UTF-8", patiently(lambda: post(b'{"x":"\xff\xfe"}', content_type="application/json"))
    yield "no key", as_json(spans % '{"name":"deep-no-key","attributes":[{},{"key":""}]}')
    yield "a name of bytes that are no text", send(request(b"deep-\xff\xfe\x00"))
    yield "NULs as protobuf", send(bytes(MIB))
    yield "a name of NULs", send(request(b"deep-nul\0" * 3))


def sizes():
    most = 15 * MIB - 200
    yield "one span of 15 MiB", post(request("big-span" + "x" * (most - 200)))
    yield "17 MiB", post(request("too-big" + "x" * (17 * MIB)))
    call = attribute("gen_ai.operation.name", "chat") + field(9, attribute("gen_ai.request.model", "gpt-4o"))
    for name, body in {
        "attributes of a span": field(1, scope(span("tiny-span", b"\x4a\x00" * (most // 2)))),
        "attributes of a model call": field(1, scope(span("tiny-call", field(9, call) + b"\x4a\x00" * (most // 2 - 100)))),
        "attributes of a resource": request("tiny-resource", resource=b"\x0a\x00" * (most // 2)),
        "attributes with keys": request("tiny-keys", resource=b"\x0a\x04\x0a\x00\x12\x00" * (most // 6)),
        "events": field(1, scope(span("tiny-events", b"\x5a\x00" * (most // 2)))),
        "unknown fields": field(1, scope(span("tiny-unknown", b"\xa0\x06\x01" * (most // 3)))),
        "spans": field(1, field(2, b"\x12\x00" * (most // 2))),
        "scopes": field(1, b"\x12\x00" * (most // 2)),
        "resources": b"\x0a\x00" * (most // 2),
    }.items():
        packed = gzip.compress(body, 6)
        yield name, gzipped(packed)
        yield f"{name}, eight at once", tally(many(8, lambda _: post(packed, content_encoding="gzip")))


which = {"bombs": bombs, "at-once": at_once, "framing": framing, "shapes": shapes, "sizes": sizes}
print(json.dumps(dict(which[sys.argv[1]]())))
