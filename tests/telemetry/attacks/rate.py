"""Valid requests as fast as they go, from eight connections. Arguments: which, and for how many seconds. Prints how many answers there were."""

import json
import os
import re
import sys
import threading

from http2 import Http2, frame, message, DATA, END_HEADERS, END_STREAM, HEADERS, call_headers
from otlp import HTTP, attribute, connect, field, for_seconds, head, many, request, scope, span, tally

SECONDS = float(sys.argv[2])
BATCH = 16


def over_http(bodies, path="/v1/traces", content_type="application/x-protobuf"):
    """Sixteen requests at a time, and then their answers."""
    def work(index):
        statuses = []
        sock = connect(HTTP)
        buffer = b""
        batch = [head(len(body), path, content_type=content_type) + body for body in bodies(index)]
        try:
            for _ in for_seconds(SECONDS):
                sock.sendall(b"".join(batch))
                got = 0
                while got < len(batch):
                    piece = sock.recv(1 << 16)
                    if not piece:
                        return statuses
                    buffer += piece
                    found = re.findall(rb"HTTP/1\.1 (\d\d\d)", buffer)
                    got += len(found)
                    statuses += [int(each) for each in found]
                    buffer = buffer[-12:] if not buffer.endswith(b"\r\n") else b""
        except OSError:
            pass
        return statuses
    return tally(status for each in many(8, work) for status in (each if isinstance(each, list) else [each]))


def over_grpc(body):
    def work(_):
        done = 0
        connection = Http2()
        try:
            for _ in for_seconds(SECONDS):
                for _ in range(BATCH):
                    connection.stream += 2
                    connection.send(frame(HEADERS, END_HEADERS, connection.stream, call_headers())
                                    + frame(DATA, END_STREAM, connection.stream, message(body)))
                connection.status(connection.stream)
                done += BATCH
        except OSError:
            pass
        return done
    return {"calls": sum(each for each in many(8, work) if isinstance(each, int))}


def chat(index):
    attributes = b"".join(field(9, each) for each in (
        attribute("gen_ai.operation.name", "chat"), attribute("gen_ai.request.model", "gpt-4o"),
        attribute("gen_ai.usage.input_tokens", b"\x18\x64"), attribute("sandglass.sandbox.id", "sbx_forged")))
    return field(1, scope(*(field(1, os.urandom(16)) + field(2, os.urandom(8)) + field(5, f"chat {index}") + attributes for _ in range(20))))


def metric(index, count):
    """A gauge with so many points, each a series of its own."""
    points = b"".join(field(1, field(7, attribute("series", f"{index}-{point}")) + b"\x31" + bytes(8)) for point in range(count))
    return field(1, field(2, field(2, field(1, "attack.gauge") + field(5, points))))


WHICH = {
    "small": lambda: over_http(lambda _: [request("rate")] * BATCH),
    "large": lambda: over_http(lambda _: [request(*[f"rate-{each}" for each in range(512)])] * BATCH),
    "json": lambda: over_http(lambda _: [json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "rate", "attributes": [
        {"key": f"k{each}", "value": {"stringValue": "v"}} for each in range(8)]}] * 64}]}]}).encode()] * BATCH, content_type="application/json"),
    "malformed": lambda: over_http(lambda _: [b"\xff" * 100] * BATCH),
    "empty": lambda: over_http(lambda _: [b""] * BATCH),
    "nowhere": lambda: over_http(lambda _: [b""] * BATCH, path="/nowhere"),
    "grpc": lambda: over_grpc(request("rate")),
    "poison": lambda: over_http(lambda _: [request("poison")] * 2),
    "model calls": lambda: over_http(lambda index: [chat(index)] * BATCH),
    "metrics": lambda: over_http(lambda index: [metric(f"{index}-{each}", 200) for each in range(BATCH)], path="/v1/metrics"),
}
threading.stack_size(1 << 20)
print(json.dumps(WHICH[sys.argv[1]]()))
