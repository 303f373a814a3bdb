"""HTTP/1.1 as bytes (RFC 9112), without a socket: what a request looks like, and where an answer begins and ends.

An answer that is not HTTP raises `httpx.RemoteProtocolError`: what it would be taken for otherwise may be another's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import httpx

#: Lines of a head, and of what may follow the last chunk. Daemons send less than one.
MAX_HEAD_BYTES = 64 * 1024
_MAX_CHUNK_LINE_BYTES = 1024

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: .*)?")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CHUNK_LENGTH = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")

Headers = Sequence[tuple[bytes, bytes]]


class ResponseHead(NamedTuple):
    status: int
    #: Names as they came.
    headers: list[tuple[bytes, bytes]]
    #: Whether another request may follow on the connection, once the body was read.
    is_persistent: bool


def request_head(method: bytes, target: bytes, headers: Headers) -> bytes:
    """Request line and headers. Raises `httpx.LocalProtocolError` where one of them would end its line and begin another."""
    lines = [b"%b %b HTTP/1.1" % (method, target)]
    lines.extend([b"%b: %b" % header for header in headers])
    lines.append(b"\r\n")
    head = b"\r\n".join(lines)
    # Whoever instruments a program adds headers behind our checks of them.
    if not head.count(b"\n") == head.count(b"\r") == len(lines) or b"\0" in head:
        raise httpx.LocalProtocolError("the request has a header that cannot be sent")
    return head


def chunk(piece: bytes) -> bytes:
    """A piece of a body whose length nobody knew; an empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def parse_head(block: bytes) -> ResponseHead:
    """The lines of a head, without the empty one behind them."""
    first, *lines = block.split(b"\r\n")
    match = _STATUS_LINE.fullmatch(first)
    if match is None:
        raise httpx.RemoteProtocolError("the answer does not begin as HTTP/1.1 does")
    headers: list[tuple[bytes, bytes]] = []
    connection = b""
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or _NAME.fullmatch(name) is None or b"\0" in value or b"\n" in value or b"\r" in value:
            raise httpx.RemoteProtocolError("the answer has a header that is none")
        value = value.strip(b" \t")
        headers.append((name, value))
        if name.lower() == b"connection":
            connection = value.lower()
    is_persistent = match[1] == b"1" and b"close" not in connection
    return ResponseHead(int(match[2]), headers, is_persistent)


class Body:
    """Takes the bytes behind a head as they come, and gives those of the content."""

    __slots__ = ("_is_until_close", "_remaining", "has_excess", "is_complete")

    def __init__(self, length: int | None) -> None:
        """
        Args:
            length: None: as long as the connection lasts
        """
        self._is_until_close = length is None
        self._remaining = length or 0
        self.is_complete = length == 0
        #: More came than belongs to this answer: nothing on this connection can be trusted any more.
        self.has_excess = False

    def push(self, data: bytes) -> bytes:
        if self._is_until_close:
            return data
        content = data[: self._remaining]
        self._remaining -= len(content)
        self.is_complete = self._remaining == 0
        self.has_excess = self.has_excess or len(content) < len(data)
        return content

    def end(self) -> None:
        """The connection has ended."""
        if not self._is_until_close and not self.is_complete:
            raise httpx.RemoteProtocolError("the connection ended in the middle of an answer")
        self.is_complete = True


class ChunkedBody(Body):
    """The length of each chunk stands before it; extensions and trailers are passed over."""

    __slots__ = ("_is_behind_chunk", "_is_trailer", "_rest", "_trailer_bytes")

    def __init__(self) -> None:
        super().__init__(0)
        self.is_complete = False
        self._is_behind_chunk = False
        self._is_trailer = False
        self._trailer_bytes = 0
        #: Of a line that has not ended.
        self._rest = b""

    def push(self, data: bytes) -> bytes:
        if self._rest:
            data, self._rest = self._rest + data, b""
        content: list[bytes] = []
        at = 0
        while at < len(data):
            if self.is_complete:
                self.has_excess = True
                break
            if self._remaining > 0:
                piece = data[at : at + self._remaining]
                content.append(piece)
                at += len(piece)
                self._remaining -= len(piece)
                self._is_behind_chunk = self._remaining == 0
                continue
            end = data.find(b"\r\n", at)
            if end == -1:
                self._rest = data[at:]
                if len(self._rest) > _MAX_CHUNK_LINE_BYTES:
                    raise httpx.RemoteProtocolError("a chunk of the answer does not say how long it is")
                break
            self._line(data[at:end])
            at = end + 2
        return content[0] if len(content) == 1 else b"".join(content)

    def _line(self, line: bytes) -> None:
        if self._is_behind_chunk:
            if line:
                raise httpx.RemoteProtocolError("a chunk of the answer is longer than it said")
            self._is_behind_chunk = False
        elif self._is_trailer:
            self._trailer_bytes += len(line)
            if self._trailer_bytes > MAX_HEAD_BYTES:
                raise httpx.RemoteProtocolError("what follows the answer is too long")
            self.is_complete = not line
        else:
            match = _CHUNK_LENGTH.fullmatch(line)
            if match is None:
                raise httpx.RemoteProtocolError("a chunk of the answer does not say how long it is")
            self._remaining = int(match[1], 16)
            self._is_trailer = self._remaining == 0


def body_of(head: ResponseHead, method: str) -> Body:
    """How the body behind a head ends (RFC 9112, section 6.3)."""
    if method == "HEAD" or head.status in (204, 304):
        return Body(0)
    codings: list[bytes] = []
    lengths: set[bytes] = set()
    for name, value in head.headers:
        lowered = name.lower()
        if lowered == b"transfer-encoding":
            codings.append(value.lower())
        elif lowered == b"content-length":
            lengths.add(value)
    if codings:
        # With a length beside it, somebody between would end it elsewhere.
        if codings != [b"chunked"] or lengths:
            raise httpx.RemoteProtocolError("the answer does not say how it ends")
        return ChunkedBody()
    if not lengths:
        return Body(None)
    length = lengths.pop()
    if lengths or _LENGTH.fullmatch(length) is None:
        raise httpx.RemoteProtocolError("the answer does not say how long it is")
    return Body(int(length))
