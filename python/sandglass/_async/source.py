"""Where the calls of one sandbox go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from .._call import Call
from .._tracing import Tracing
from .runtime import Lock
from .transport import AsyncTransport


@dataclass(frozen=True)
class AsyncStreamSource:
    transport: AsyncTransport
    sandbox_id: str
    tracing: Tracing | None = None

    def call(self, route: str, **params: str) -> Call:
        return Call(route, {"id": self.sandbox_id, **params}, tracing=self.tracing)


class AsyncSourceRef:
    """A sandbox that exists, or that is to be created by the first call that needs it."""

    def __init__(
        self,
        source: AsyncStreamSource | None,
        create: Callable[[], Awaitable[AsyncStreamSource]] | None = None,
    ) -> None:
        self.source = source
        self._create = create
        self._creating = Lock()

    async def get(self) -> AsyncStreamSource:
        if self.source is not None:
            return self.source
        async with self._creating:
            if self.source is None:
                assert self._create is not None
                self.source = await self._create()
        return self.source

    async def json(self, route: str, *, json: Any = None, **params: str) -> Any:
        """Calls a route of the sandbox and parses the answer."""
        source = await self.get()
        call = source.call(route, **params)
        call.json = json
        return await source.transport.json(call)
