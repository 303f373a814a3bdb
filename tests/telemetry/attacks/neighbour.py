"""A program that means no harm: sends a span now and then over both protocols until it is told to stop, and says what became of each."""

import http.client
import json
import os
import sys
import time

from http2 import Http2, message
from otlp import HTTP, TRACES, request

mark = sys.argv[1]
statuses, slowest, sent = {}, 0.0, 0
http_connection = http.client.HTTPConnection("127.0.0.1", HTTP, timeout=60)
grpc_connection = Http2(timeout=60)


def by_http(body):
    http_connection.request("POST", TRACES, body, {"content-type": "application/x-protobuf"})
    response = http_connection.getresponse()
    response.read()
    return f"HTTP {response.status}"


while not os.path.exists(f"stop-{mark}"):
    body = request(f"{mark}-{sent}")
    began = time.monotonic()
    status = by_http(body) if sent % 2 == 0 else f"gRPC {grpc_connection.call(message(body))}"
    slowest = max(slowest, time.monotonic() - began)
    statuses[status] = statuses.get(status, 0) + 1
    sent += 1
    if sent == 2:
        print("sends", flush=True)
    time.sleep(0.02)
print(json.dumps({"sent": sent, "statuses": statuses, "slowestMs": round(slowest * 1000)}))
