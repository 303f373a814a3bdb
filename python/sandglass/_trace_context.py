"""W3C Trace Context and Baggage, as far as a client needs them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote

#: W3C flags sampled and random: of what this client begins itself.
FLAGS_SAMPLED_RANDOM = 3
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_LENGTH = 55
#: Level 2 defines two flags, and has a sender set every other to zero.
_KNOWN_FLAGS = 3
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAGGAGE_SAFE = "!#$&'()*+-./:<=>?@[]^_`{|}~"
_MAX_MEMBERS = 64
_MAX_BYTES = 8192


class Traceparent(NamedTuple):
    trace_id: str
    parent_span_id: str
    flags: int


def parse_traceparent(header: str | None) -> Traceparent | None:
    """A `traceparent` of W3C Trace Context Level 2; None for anything invalid: upper-case hex, all-zero ids, version `ff`,
    version `00` with more behind the flags. A later version is read by its first four fields."""
    text = (header or "").strip(" \t")
    match = _TRACEPARENT.match(text)
    if match is None or match[1] == "ff":
        return None
    if len(text) > _LENGTH and (match[1] == "00" or text[_LENGTH] != "-"):
        return None
    if not match[2].strip("0") or not match[3].strip("0"):
        return None
    return Traceparent(match[2], match[3], int(match[4], 16))


def format_traceparent(trace_id: str, span_id: str, flags: int) -> str:
    """A version 00 `traceparent`; flags that are not defined are sent as zero."""
    return f"00-{trace_id}-{span_id}-0{flags & _KNOWN_FLAGS:x}"


def format_baggage(entries: Iterable[tuple[str, str]]) -> str:
    """A `baggage` header; an entry with an invalid key, or past the limits that everyone has to carry, is left out."""
    kept: list[str] = []
    size = 0
    for key, value in entries:
        if _TOKEN.fullmatch(key) is None:
            continue
        member = f"{key}={quote(value, safe=_BAGGAGE_SAFE)}"
        more = len(member) + (1 if kept else 0)
        if len(kept) < _MAX_MEMBERS and size + more <= _MAX_BYTES:
            kept.append(member)
            size += more
    return ",".join(kept)
