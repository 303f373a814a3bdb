"""OTLP by hand, as somebody writes it who means no good: nothing here checks anything, and every byte can be chosen."""

import re
import socket
import struct
import threading
import time

HTTP, GRPC = 4318, 4317
TRACES = "/v1/traces"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
OWNED = ["sandglass.sandbox.id", "sandglass.org.id", "sandglass.template.id", "sandglass.run.id",
         "service.instance.id", "container.id"]


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, payload):
    """A field with a length in front."""
    if isinstance(payload, str):
        payload = payload.encode("utf-8", "surrogateescape")
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def attribute(key, value):
    """A KeyValue; `value` is a text, or an AnyValue in bytes."""
    return field(1, key) + field(2, value if isinstance(value, bytes) else field(1, value))


def span(name, extra=b""):
    times = b"\x39" + struct.pack("<Q", 1776510028036000000) + b"\x41" + struct.pack("<Q", 1776510029036000000)
    return field(1, b"\x4b" * 16) + field(2, b"\x0f" * 8) + field(5, name) + b"\x30\x01" + times + extra


def scope(*spans):
    return field(2, field(1, field(1, "attack")) + b"".join(field(2, each) for each in spans))


def request(*names, resource=None):
    """An ExportTraceServiceRequest of one resource."""
    front = b"" if resource is None else field(1, resource)
    return field(1, front + scope(*(span(name) for name in names)))


def connect(port=HTTP, timeout=20):
    return socket.create_connection(("127.0.0.1", port), timeout)


def head(length, path=TRACES, method="POST", **headers):
    """The head of a request; headers with _ for -. A length of None sends none."""
    lines = {"host": "x", "content-type": "application/x-protobuf", **{k.replace("_", "-"): v for k, v in headers.items()}}
    if length is not None:
        lines["content-length"] = length
    text = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return (text + "\r\n").encode("latin-1")


def read_all(sock, limit=1 << 20):
    """Until the other side ends, or says nothing for as long as the socket waits."""
    out = b""
    try:
        while len(out) < limit:
            piece = sock.recv(65536)
            if not piece:
                break
            out += piece
    except OSError:
        pass
    return out


def exchange(raw, port=HTTP, timeout=20):
    """Sends the bytes as they are, and returns all that is answered until the connection is closed."""
    try:
        with connect(port, timeout) as sock:
            try:
                sock.sendall(raw)
            except OSError:
                pass  # it may have heard enough; what it answered can still be there
            return read_all(sock)
    except OSError:
        return b""


def status_of(answer):
    """The last status of an answer over HTTP/1; 0 where there is none."""
    found = re.findall(rb"HTTP/1\.1 (\d\d\d)", answer)
    return int(found[-1]) if found else 0


def post(body, path=TRACES, **headers):
    """One request on a connection of its own. Returns the status; 0 where the connection went."""
    return status_of(exchange(head(len(body), path, connection="close", **headers) + body))


def patiently(work):
    """As often as the answer is that it should come later, up to a minute."""
    for _ in for_seconds(60):
        status = work()
        if status != 429:
            return status
        time.sleep(0.1)
    return 429


def many(count, work):
    """Calls `work(index)` in as many threads at once, and returns what they returned; an OSError is a result too."""
    results = [None] * count

    def one(index):
        try:
            results[index] = work(index)
        except OSError as error:
            results[index] = type(error).__name__

    threads = [threading.Thread(target=one, args=(index,), daemon=True) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def tally(results):
    counts = {}
    for result in results:
        counts[str(result)] = counts.get(str(result), 0) + 1
    return counts


def for_seconds(seconds):
    """Yields until the time is over."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        yield
