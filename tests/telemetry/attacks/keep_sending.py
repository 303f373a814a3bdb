"""Sends spans over both protocols in turns until it is killed, and says of each request that was taken which spans were in it.
Arguments: a name for the spans. Prints lines `<number of the first> <count> <protocol>`."""

import http.client
import sys
import time

from http2 import Http2, message
from otlp import HTTP, TRACES, request

name = sys.argv[1]
by_http = by_grpc = None
sent = 0
while True:
    count = 1 + sent % 5
    body = request(*(f"{name}-{index}" for index in range(sent, sent + count)))
    try:
        if sent % 2 == 0:
            by_http = by_http or http.client.HTTPConnection("127.0.0.1", HTTP, timeout=10)
            by_http.request("POST", TRACES, body, {"content-type": "application/x-protobuf"})
            response = by_http.getresponse()
            response.read()
            taken = response.status == 200 and "HTTP"
        else:
            by_grpc = by_grpc or Http2(timeout=10)
            taken = by_grpc.call(message(body)) == 0 and "gRPC"
            if not taken:
                by_grpc = None
    except (OSError, http.client.HTTPException):
        # The collector is being started again.
        by_http = by_grpc = taken = None
        time.sleep(0.05)
    if taken:
        print(sent, count, taken, flush=True)
    sent += count
    time.sleep(0.002)
