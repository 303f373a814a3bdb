"""A run's own events, on their way to the record."""

from __future__ import annotations

import threading
import warnings
from collections import deque
from datetime import datetime, timezone
from typing import Any

from .._call import Call
from .._credentials import SandglassWarning
from .._error import SandglassError
from .._tracing import Tracing
from ..errors import LogUnavailableError
from .runtime import AsyncBackground
from .transport import AsyncTransport

#: The most that one request takes.
_MAX_BATCH = 1000
#: The most that wait for a daemon which does not take them; what comes on top is dropped, and counted.
_MAX_WAITING = 10_000


class AsyncRunEvents:
    """Sends events in order, one request at a time: what is added while one is under way goes together in the next. A batch that could not
    be sent stays, and is tried again at the next `flush`; one that is refused is given up. Either is a warning (recording must not break the
    agent) and raised by `flush` (its end must not hide a loss)."""

    def __init__(self, transport: AsyncTransport, run_id: str, tracing: Tracing) -> None:
        self._transport = transport
        self._run_id = run_id
        self._tracing = tracing
        self._waiting: deque[dict[str, Any]] = deque()
        self._sending: AsyncBackground | None = None
        # Held for moments only: between the sender's last look at an empty queue and its end nothing may be added.
        self._lock = threading.Lock()
        self._is_sending = False
        self._dropped = 0
        self._refused: SandglassError | None = None
        self._is_warned = False

    def add(self, event: dict[str, Any]) -> None:
        """Stamps the event with this moment and sends it in the background."""
        stamp = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        with self._lock:
            if len(self._waiting) >= _MAX_WAITING:
                self._dropped += 1
                return
            self._waiting.append({**event, "timestamp": stamp})
            self._start()

    async def flush(self) -> None:
        """Returns when everything added before is in the record; raises where it could not be sent."""
        await self._settled()
        with self._lock:
            if self._waiting:
                self._start()
        error = await self._settled()
        refused, self._refused = self._refused, None
        failure = refused or error
        if failure is not None:
            raise failure
        dropped, self._dropped = self._dropped, 0
        if dropped > 0:
            raise LogUnavailableError(
                f"{dropped} events of {self._run_id} were dropped",
                hint=f"at most {_MAX_WAITING} wait for a daemon that does not take them",
            )

    def _start(self) -> None:
        if not self._is_sending:
            self._is_sending = True
            self._sending = AsyncBackground(self._send_all)

    async def _settled(self) -> BaseException | None:
        sending = self._sending
        if sending is None:
            return None
        try:
            await sending.wait()
        except SandglassError as error:
            return error
        finally:
            # Its outcome is told once.
            if self._sending is sending:
                self._sending = None
        return None

    async def _send_all(self) -> None:
        try:
            while True:
                with self._lock:
                    events = [self._waiting[index] for index in range(min(len(self._waiting), _MAX_BATCH))]
                    if not events:
                        self._is_sending = False
                        return
                await self._send(events)
                self._is_warned = False
        except BaseException as error:
            with self._lock:
                self._is_sending = False
            self._warn(error)
            raise

    async def _send(self, events: list[dict[str, Any]]) -> None:
        call = Call("addRunEvents", {"runId": self._run_id}, json={"events": events}, tracing=self._tracing)
        try:
            await self._transport.json(call)
        except SandglassError as error:
            # What the daemon refuses it will refuse again: kept, it would hold up everything behind it.
            if not 400 <= error.status < 500:
                raise
            self._refused = error
            self._remove(len(events))
            raise
        self._remove(len(events))

    def _remove(self, count: int) -> None:
        with self._lock:
            for _ in range(count):
                self._waiting.popleft()

    def _warn(self, error: BaseException) -> None:
        if self._is_warned:
            return
        self._is_warned = True
        message = f"events of {self._run_id} could not be sent yet: {error}"
        try:
            warnings.warn(message, SandglassWarning, stacklevel=2)
        except SandglassWarning:
            # Warnings are errors in this program; in a thread of ours there is nobody to catch one.
            pass
