"""A real HTTP server that answers as a test says: for what a healthy daemon does not do, like cutting a body short."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

EXEC_ID = "exec_01jzzzzzzzzzzzzzzzzzzzzzzz"
SANDBOX_ID = "sbx_01jzzzzzzzzzzzzzzzzzzzzzzz"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACERESPONSE = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


@dataclass
class SeenRequest:
    method: str
    url: str
    headers: dict[str, str]
    body: bytes


class Response:
    """What a script answers with."""

    def __init__(self, connection: socket.socket, method: str) -> None:
        self._connection = connection
        self._method = method
        self._is_chunked = False
        self.is_begun = False
        self.is_destroyed = False

    def begin(self, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.is_begun = True
        given = dict(headers or {})
        if "content-length" not in given and self._method != "HEAD":
            self._is_chunked = True
            given["transfer-encoding"] = "chunked"
        lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in given.items())]
        self._connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def write(self, data: bytes | str) -> None:
        data = data.encode() if isinstance(data, str) else data
        if data:
            framed = b"%x\r\n%s\r\n" % (len(data), data) if self._is_chunked else data
            self._connection.sendall(framed)

    def end(self, data: bytes | str = b"") -> None:
        self.write(data)
        if self._is_chunked:
            self._connection.sendall(b"0\r\n\r\n")

    def raw(self, data: bytes) -> None:
        """As it is, head and framing included."""
        self.is_begun = True
        self._connection.sendall(data)

    def json(self, value: Any, status: int = 200) -> None:
        body = json.dumps(value).encode()
        headers = {"content-type": "application/json", "content-length": str(len(body))}
        self.begin(status, {**headers, "traceresponse": TRACERESPONSE})
        self.write(body)

    def error(self, status: int, code: str, message: str, **more: str) -> None:
        self.json({"error": {"code": code, "message": message, **more}}, status)

    def stream(self) -> None:
        """Begins an exec's stream."""
        headers = {"content-type": "application/x-ndjson", "x-exec-id": EXEC_ID}
        self.begin(200, {**headers, "traceresponse": TRACERESPONSE})

    def destroy(self) -> None:
        """Ends the connection without a word more; what was written still arrives."""
        self.is_destroyed = True
        self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def reset(self) -> None:
        """Ends the connection with a reset."""
        self.is_destroyed = True
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def wait_for_close(self, seconds: float = 10) -> bool:
        """Whether the client closes the connection."""
        self._connection.settimeout(seconds)
        try:
            return self._connection.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True


Script = Callable[[SeenRequest, Response, int], None]


class ScriptedServer:
    def __init__(self, script: Script, host: str = "127.0.0.1") -> None:
        self._script = script
        is_v6 = ":" in host
        self._listener = socket.create_server(
            (host, 0), family=socket.AF_INET6 if is_v6 else socket.AF_INET, backlog=128
        )
        port = self._listener.getsockname()[1]
        self.url = f"http://[{host}]:{port}" if is_v6 else f"http://{host}:{port}"
        self.requests: list[SeenRequest] = []
        #: Connections accepted so far.
        self.connections = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        try:
            while True:
                seen = _read_request(reader)
                if seen is None:
                    return
                with self._lock:
                    self.requests.append(seen)
                    count = len(self.requests)
                response = Response(connection, seen.method)
                self._script(seen, response, count)
                if response.is_destroyed or not response.is_begun:
                    # One that is not answered stays open: its client waits.
                    return
        except (OSError, ValueError):
            # A client that goes in the middle of its request.
            pass
        finally:
            reader.close()

    def __enter__(self) -> ScriptedServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for connection in tuple(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()


def _read_request(reader: Any) -> SeenRequest | None:
    first = reader.readline().decode()
    if not first:
        return None
    method, url, _ = first.split(" ")
    headers: dict[str, str] = {}
    while line := reader.readline().strip().decode():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = b""
    if headers.get("transfer-encoding") == "chunked":
        while size := int(reader.readline(), 16):
            body += reader.read(size)
            reader.readline()
        reader.readline()
    else:
        body = reader.read(int(headers.get("content-length", "0")))
    return SeenRequest(method, url, headers, body)


def counting_lines(count: int) -> list[str]:
    """The lines of an exec that prints the numbers below `count`, one a line, then ends well."""
    events: list[dict[str, Any]] = [
        {"type": "stdout", "data": f"{seq}\n", "seq": seq, "ts": 0} for seq in range(count)
    ]
    end = {"type": "exit", "data": 0, "code": 0, "cause": "exited", "durationMs": 1, "execId": EXEC_ID}
    events.append({**end, "seq": count, "ts": 0})
    return [json.dumps(event) + "\n" for event in events]


def sandbox_info() -> dict[str, Any]:
    """A sandbox as far as the client looks into it."""
    return {"id": SANDBOX_ID, "state": "running", "template": "python", "source": "pool", "traceId": TRACE_ID}


def with_sandbox(script: Script) -> Script:
    """Creates go well; everything else is the test's, counted by itself."""
    count = 0
    lock = threading.Lock()

    def serve(request: SeenRequest, response: Response, _: int) -> None:
        nonlocal count
        if request.url == "/v1/sandboxes":
            return response.json(sandbox_info(), 201)
        with lock:
            count += 1
            mine = count
        return script(request, response, mine)

    return serve
