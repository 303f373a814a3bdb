"""A TCP proxy in front of a daemon that cuts its connections: what a flaky network does to a stream."""

from __future__ import annotations

import socket
import struct
import threading
from urllib.parse import urlsplit


class CuttingProxy:
    def __init__(self, target: str) -> None:
        #: Where new connections lead; a daemon that was started again may listen elsewhere.
        self.target = target
        #: Cuts a connection after so many bytes of answer; 0 cuts none.
        self.cut_after_bytes = 0
        #: From this many cuts on it cuts no more; 0: without end.
        self.max_cuts = 0
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._sockets: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            url = urlsplit(self.target)
            try:
                upstream = socket.create_connection((url.hostname or "", url.port or 0))
            except OSError:
                client.close()
                continue
            for each in (client, upstream):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sockets.add(each)
            threading.Thread(target=self._pass, args=(client, upstream, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(upstream, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        passed = 0
        try:
            while chunk := source.recv(65536):
                passed += len(chunk)
                may_cut = self.max_cuts == 0 or self.cuts < self.max_cuts
                if is_answer and may_cut and 0 < self.cut_after_bytes <= passed:
                    self.cuts += 1
                    # Half of the last chunk still goes out: the cut is inside a line.
                    sink.sendall(chunk[: len(chunk) // 2])
                    sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    break
                sink.sendall(chunk)
        except OSError:
            pass
        for each in (source, sink):
            # A thread that waits in the other direction is to notice, which a close alone would not tell it. Only the reading half
            # of the client's side is shut: a goodbye in good order would take the place of the reset.
            _shut(each, socket.SHUT_RD if each is sink and is_answer else socket.SHUT_RDWR)
            each.close()
            self._sockets.discard(each)

    def __enter__(self) -> CuttingProxy:
        return self

    def __exit__(self, *_: object) -> None:
        _shut(self._listener)
        self._listener.close()
        for each in list(self._sockets):
            _shut(each)
            each.close()


def _shut(each: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    try:
        each.shutdown(how)
    except OSError:
        pass
