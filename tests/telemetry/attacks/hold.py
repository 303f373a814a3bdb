"""Holds requests open in the middle of their bodies until it is told to go on, if ever. Arguments: how many of each protocol. Prints their statuses."""

import json
import os
import sys
import time

from http2 import Http2, frame, message, DATA, END_STREAM
from otlp import connect, head, read_all, request, status_of

count = int(sys.argv[1])
BODY = request("held")
half = len(BODY) // 2
over_http, over_grpc = [], []
for _ in range(count):
    sock = connect(timeout=20)
    sock.sendall(head(len(BODY), connection="close") + BODY[:half])
    over_http.append(sock)
    connection = Http2(timeout=20)
    stream = connection.begin()
    connection.send(frame(DATA, 0, stream, message(BODY)[:half]))
    over_grpc.append((connection, stream))
# One that is whole, whose answer nobody waits for.
whole = connect()
whole.sendall(head(len(request("last-words"))) + request("last-words"))
print("holds", flush=True)
while not os.path.exists("go"):
    time.sleep(0.01)
statuses = []
for sock in over_http:
    sock.sendall(BODY[half:])
    statuses.append(status_of(read_all(sock)))
for connection, stream in over_grpc:
    connection.send(frame(DATA, END_STREAM, stream, message(BODY)[half:]))
    statuses.append(connection.status(stream))
print(json.dumps(statuses))
