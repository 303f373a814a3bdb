"""What differs in kind between the two clients; the other is `_sync/runtime.py`, with the same names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import httpx

    from .client import AsyncClient

T = TypeVar("T")

#: What ends a call from outside: then what it has started is to be stopped too.
INTERRUPTIONS: tuple[type[BaseException], ...] = (asyncio.CancelledError, KeyboardInterrupt)

sleep = asyncio.sleep
Lock = asyncio.Lock

#: How long the end of a body may take whose content is known to be over.
_DRAIN_SECONDS = 1.0
_CHUNK_BYTES = 64 * 1024


class Readable(Protocol):
    """A file object opened for reading."""

    def read(self, size: int = ..., /) -> bytes | str: ...


#: What a file can be written from. An iterable or file object is read once, as fast as the sandbox takes it.
FileContent: TypeAlias = (
    str | bytes | bytearray | memoryview | Readable | Iterable[bytes | str] | AsyncIterable[bytes | str]
)


def upload(content: FileContent) -> bytes | AsyncIterator[bytes]:
    """The content as one piece, or as pieces."""
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    return _pieces(content)


async def _pieces(
    content: Readable | Iterable[bytes | str] | AsyncIterable[bytes | str],
) -> AsyncIterator[bytes]:
    read = getattr(content, "read", None)
    if read is not None:
        # Disks can be slow too: the event loop goes on meanwhile.
        while chunk := await asyncio.to_thread(read, _CHUNK_BYTES):
            yield _encoded(await chunk if isinstance(chunk, Awaitable) else chunk)
    elif isinstance(content, AsyncIterable):
        async for piece in content:
            if piece:
                yield _encoded(piece)
    elif isinstance(content, Iterable):
        for piece in content:
            if piece:
                yield _encoded(piece)
    else:
        raise TypeError(f"a file cannot be written from {type(content).__name__}")


def _encoded(piece: Any) -> bytes:
    return piece.encode() if isinstance(piece, str) else bytes(piece)


async def settle(value: T | Awaitable[T]) -> T:
    """What a caller's function gave back, awaited where it is to be."""
    return await value if isinstance(value, Awaitable) else value


async def uninterrupted(work: Callable[[], Awaitable[None]]) -> None:
    """Does `work` to its end although its caller was cancelled."""
    await asyncio.shield(asyncio.ensure_future(work()))


async def drain(response: httpx.Response, chunks: AsyncIterator[bytes]) -> None:
    """Reads what is left of a finished stream (the end marker, usually in the same packet), so that its connection can be reused; one
    that does not end is closed."""
    if getattr(response.stream, "is_complete", False):
        await response.stream.aclose()  # type: ignore[union-attr]
        return
    try:
        await asyncio.wait_for(_exhaust(chunks), _DRAIN_SECONDS)
    except Exception:
        pass
    finally:
        await response.stream.aclose()  # type: ignore[union-attr]


async def _exhaust(chunks: AsyncIterator[bytes]) -> None:
    async for _ in chunks:
        pass


class AsyncBackground:
    """Work under way beside its starter."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._task = asyncio.ensure_future(work())
        # An error is its waiter's, or its callback's; asyncio is not to report it as lost.
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())

    @property
    def is_done(self) -> bool:
        return self._task.done()

    async def wait(self) -> None:
        """Until it has ended; raises its error."""
        await asyncio.shield(self._task)


_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Any, AsyncClient]] = WeakKeyDictionary()


def shared_clients() -> dict[Any, AsyncClient]:
    """Those of the running event loop: a connection belongs to the loop that it was made in."""
    return _clients.setdefault(asyncio.get_running_loop(), {})
