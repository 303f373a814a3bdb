"""The output of an exec: text where it is UTF-8, bytes where it is not."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .stream_events import OutputEvent


def output_bytes(event: OutputEvent) -> bytes:
    """The bytes of one output line: base64 is undone, text becomes UTF-8."""
    return event.data.encode() if event.encoding is None else b64decode(event.data)


def output_text(event: OutputEvent) -> str:
    """The text of one output line; bytes that are not UTF-8 read as U+FFFD."""
    return event.data if event.encoding is None else output_bytes(event).decode("utf-8", "replace")


class OutputCollector:
    """Gathers one stream of an exec."""

    __slots__ = ("_events", "_is_binary")

    def __init__(self) -> None:
        self._events: list[OutputEvent] = []
        self._is_binary = False

    def add(self, event: OutputEvent) -> None:
        self._events.append(event)
        if event.encoding is not None:
            self._is_binary = True

    def bytes(self) -> bytes:
        """Exactly what the process wrote."""
        return b"".join(map(output_bytes, self._events))

    def text(self) -> str:
        """As text. Where a part is not UTF-8 the bytes of all parts are joined before they are decoded, so that a character is not
        torn at the border of two lines."""
        if self._is_binary:
            return self.bytes().decode("utf-8", "replace")
        return "".join([event.data for event in self._events])
