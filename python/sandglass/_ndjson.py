"""A byte stream as the JSON values of its lines."""

from __future__ import annotations

import json
from typing import Any

from .errors import StreamError

#: One line longer than this is not our daemon speaking; reading on would only fill memory.
MAX_LINE_BYTES = 256 * 1024 * 1024


class NdjsonParser:
    """Cuts at newline *bytes*: in UTF-8 no multi-byte character holds one, so a character torn between two chunks is whole again
    before it is decoded. The rest of a line is kept as a list and joined once, when its newline comes: a line of any length
    costs linear time."""

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._rest: list[bytes] = []
        #: Bytes of an unfinished line held back.
        self.pending_bytes = 0

    def push(self, chunk: bytes) -> list[Any]:
        """The values whose lines end in this chunk; blank lines are skipped.

        Raises:
            StreamError: for a line that is not JSON, or longer than the limit
        """
        end = chunk.rfind(b"\n")
        if end == -1:
            self._keep(chunk)
            return []
        text = chunk[:end]
        if self._rest:
            text = b"".join([*self._rest, text])
            self._rest = []
            self.pending_bytes = 0
        if end + 1 < len(chunk):
            self._keep(chunk[end + 1 :])
        return [_parsed(line) for line in text.split(b"\n") if line not in (b"", b"\r")]

    def _keep(self, rest: bytes) -> None:
        self.pending_bytes += len(rest)
        if self.pending_bytes > self._max_line_bytes:
            raise StreamError(f"a line of the stream is longer than {self._max_line_bytes} bytes")
        self._rest.append(rest)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as cause:  # the latter: brackets in brackets
        start = line[:80].decode("utf-8", "replace")
        raise StreamError(f"a line of the stream is not JSON: {json.dumps(start)}") from cause
