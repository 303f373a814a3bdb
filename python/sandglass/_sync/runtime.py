"""What differs in kind between the two clients; the other is `_async/runtime.py`, with the same names."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    import socket

    import httpx

    from .client import Client

T = TypeVar("T")

#: What ends a call from outside: then what it has started is to be stopped too.
INTERRUPTIONS: tuple[type[BaseException], ...] = (KeyboardInterrupt,)

sleep = time.sleep
Lock = threading.Lock

#: How long the end of a body may take whose content is known to be over.
_DRAIN_SECONDS = 1
_CHUNK_BYTES = 64 * 1024


class Readable(Protocol):
    """A file object opened for reading."""

    def read(self, size: int = ..., /) -> bytes | str: ...


#: What a file can be written from. An iterable or file object is read once, as fast as the sandbox takes it.
FileContent: TypeAlias = str | bytes | bytearray | memoryview | Readable | Iterable[bytes | str]


def upload(content: FileContent) -> bytes | Iterator[bytes]:
    """The content as one piece, or as pieces."""
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    return _pieces(content)


def _pieces(content: Readable | Iterable[bytes | str]) -> Iterator[bytes]:
    read = getattr(content, "read", None)
    if read is not None:
        while chunk := read(_CHUNK_BYTES):
            yield _encoded(chunk)
    elif isinstance(content, Iterable):
        for piece in content:
            if piece:
                yield _encoded(piece)
    else:
        raise TypeError(f"a file cannot be written from {type(content).__name__}")


def _encoded(piece: Any) -> bytes:
    return piece.encode() if isinstance(piece, str) else bytes(piece)


def settle(value: T) -> T:
    """What a caller's function gave back."""
    return value


def uninterrupted(work: Callable[[], None]) -> None:
    """Does `work` to its end."""
    work()


def drain(response: httpx.Response, chunks: Iterator[bytes]) -> None:
    """Reads what is left of a finished stream (the end marker, usually in the same packet), so that its connection can be reused; one
    that does not end is closed."""
    if getattr(response.stream, "is_complete", False):
        response.stream.close()  # type: ignore[union-attr]
        return
    limited = _limit_receiving(response, _DRAIN_SECONDS)
    try:
        for _ in chunks:
            pass
    except Exception:
        pass
    finally:
        # What was read to its end goes back to the pool with this: the limit has to be off before.
        if limited is not None:
            _set_receive_limit(limited, 0)
        response.stream.close()  # type: ignore[union-attr]


def _limit_receiving(response: httpx.Response, seconds: int) -> socket.socket | None:
    """The reading of a body that has begun knows no time limit any more; the socket under it does."""
    import socket

    stream = response.extensions.get("network_stream")
    found = None if stream is None else stream.get_extra_info("socket")
    if os.name != "posix" or not isinstance(found, socket.socket):
        return None
    _set_receive_limit(found, seconds)
    return found


def _set_receive_limit(found: socket.socket, seconds: int) -> None:
    import socket

    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", seconds, 0))
    except OSError:
        pass


class Background:
    """Work under way beside its starter."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._error: BaseException | None = None
        # No daemon thread: a program that ends while it sends is to send.
        self._thread = threading.Thread(target=self._run, name="sandglass")
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self._error = error

    @property
    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Until it has ended; raises its error."""
        self._thread.join()
        if self._error is not None:
            raise self._error


_clients: dict[Any, Client] = {}


def shared_clients() -> dict[Any, Client]:
    """Those of the process."""
    return _clients
