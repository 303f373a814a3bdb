"""When to try again: waits that grow by factors of two, each shortened by up to a half so that many clients do not come back together."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    first_seconds: float
    max_seconds: float
    #: Tries in all, the first included.
    tries: int

    def wait(self, attempt: int) -> float:
        """Seconds before try number `attempt` (the first retry is 1)."""
        import random  # with its hashes it takes longer to load than most of this package, and most programs never wait

        full = min(self.max_seconds, self.first_seconds * 2.0 ** (attempt - 1))
        return full * (0.5 + random.random() / 2)


#: For a request whose connection was reset: short, because the usual reason is a kept connection that the server closed at that moment.
REQUEST_BACKOFF = Backoff(0.020, 0.5, 4)

#: For a stream that is to be picked up again: long enough for a daemon to be restarted, about twelve seconds.
STREAM_BACKOFF = Backoff(0.025, 3.0, 12)


class Reconnects:
    """Counts the tries of a stream that is picked up again whenever it breaks."""

    def __init__(self, tries: int | None = None) -> None:
        self._tries = STREAM_BACKOFF.tries if tries is None else tries
        self._failures = 0
        self._opened_at: float | None = None

    def opened(self) -> None:
        """A connection was made. One that then lasts longer than the longest wait was a good one, also when it was silent."""
        self._opened_at = time.monotonic()

    def progressed(self) -> None:
        """Something arrived."""
        self._failures = 0

    def next_wait(self) -> float | None:
        """Seconds to wait before the next try; None where the tries in a row are used up."""
        if self._opened_at is not None and time.monotonic() - self._opened_at > STREAM_BACKOFF.max_seconds:
            self._failures = 0
        self._opened_at = None
        if self._failures >= self._tries:
            return None
        self._failures += 1
        return STREAM_BACKOFF.wait(self._failures)
