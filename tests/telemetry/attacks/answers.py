"""Has the collector answer in every way that it knows, and prints all of it."""

import gzip

from http2 import Http2, message, call_headers
from otlp import GRPC, exchange, head, request, read_all, connect

BODY = request("answers")
for raw in (
    head(len(BODY), connection="close") + BODY,
    head(3, connection="close") + b"\xff\xff\xff",
    head(3, connection="close", content_type="application/json") + b'{"a',
    head(0, path="/", connection="close"), head(0, path="/v1/traces", method="GET", connection="close"),
    head(0, path="/debug/config", connection="close"), head(0, path="/.env", connection="close"),
    head(0, connection="close", content_type="text/html"), head(9, connection="close", content_encoding="gzip") + b"not gzip!",
    head(1 << 40, connection="close"), head(0, connection="close", origin="http://x"), b"garbage\r\n\r\n",
    head(len(gzip.compress(BODY)), connection="close", content_encoding="gzip", expect="100-continue") + gzip.compress(BODY),
):
    print(exchange(raw, timeout=5).decode("latin-1"))
print(exchange(b"GET / HTTP/1.1\r\n\r\n", GRPC, timeout=3).decode("latin-1"))
for body, headers in ((BODY, call_headers()), (b"\xff", call_headers()), (BODY, call_headers(path="/x")), (BODY, call_headers(content_type="x"))):
    connection = Http2(timeout=5)
    stream = connection.begin(headers)
    try:
        connection.send(b"")
        print(connection.call(message(body), headers), connection.buffer)
    except OSError as error:
        print(error)
    connection.close()
