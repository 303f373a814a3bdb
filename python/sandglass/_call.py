"""One call of the HTTP API, before it becomes bytes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote, urlencode

from ._catalogue import InvalidRequestError
from ._protocol import REST_PARAMETERS, ROUTES

if TYPE_CHECKING:
    from ._otel.operation import Operation
    from ._tracing import Tracing

WORKING_DIRECTORY = "/workspace"
#: The daemon reads its whole log for a deletion, and answers when nothing is left: that takes longer than any other call.
DELETION_TIMEOUT_MS = 600_000
#: Files are copied and compared meanwhile, as many as there are.
FORK_TIMEOUT_MS = 600_000

QueryValue: TypeAlias = str | int | float | bool | list[str] | tuple[str, ...] | None
_PARAMETER = re.compile(r"\{(\w+)\}")
#: As JavaScript's encodeURIComponent, so that both clients ask for the same URL.
_UNRESERVED = "!'()*~"


@dataclass
class Call:
    """Method and path come from the protocol's table."""

    route: str
    params: Mapping[str, str] = field(default_factory=dict)
    #: Left out where None; a list is repeated, since its values may hold commas.
    query: Mapping[str, QueryValue] = field(default_factory=dict)
    #: A JSON body.
    json: Any = None
    #: A body of bytes; one that can be iterated only once is never retried.
    content: bytes | Iterable[bytes] | AsyncIterable[bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Until the answer is complete, or has begun where it is a stream; 0 is unlimited. None: the client's `request_timeout_ms`.
    timeout_ms: float | None = None
    #: In which trace the call happens.
    tracing: Tracing | None = None
    #: What it is called in telemetry; None: after its route.
    name: str | None = None
    #: Of its span, beside those that follow from the route and its parameters.
    attributes: Mapping[str, Any] = field(default_factory=dict)
    #: A code that its caller takes for an answer: no failure in telemetry.
    expects: str | None = None
    #: The operation it is a part of, which its caller ends. None: one of its own.
    operation: Operation | None = None

    @property
    def method(self) -> str:
        return ROUTES[self.route][0]


def listed(value: str | Sequence[str] | None) -> list[str] | None:
    """One value of a query, or several, as a list."""
    return [value] if isinstance(value, str) else None if value is None else list(value)


def path_of(call: Call) -> str:
    """The route's path with its parameters filled in and its query behind it.

    Raises:
        InvalidRequestError: where an id is empty: it would be another route's path, or none
    """

    def filled(match: re.Match[str]) -> str:
        value = call.params.get(match[1], "")
        if match[1] in REST_PARAMETERS:
            return _file_path(value)
        if value == "":
            # `execId` is an exec's, the other names are sandboxes'.
            owner = match[1].removesuffix("Id") if match[1].endswith("Id") else "sandbox"
            raise InvalidRequestError(f"the {owner}'s id is empty")
        return _component(value)

    path = _PARAMETER.sub(filled, ROUTES[call.route][1])
    query = _query_of(call.query)
    return f"{path}?{query}" if query else path


def _component(value: str) -> str:
    return quote(value, safe=_UNRESERVED)


def _file_path(path: str) -> str:
    """A file path as the rest of a URL path. A leading slash is written `%2F`: as `files//etc` it would not survive a proxy that merges
    slashes, and silently name a file in the working directory instead. `.` and `..` are resolved here because URL parsers on
    the way would do it their own way, and above `/files/`."""
    is_absolute = path.startswith("/")
    segments: list[str] = []
    for segment in path.split("/"):
        if segment in ("", "."):
            continue
        if segment == ".." and segments and segments[-1] != "..":
            segments.pop()
        elif segment == ".." and is_absolute:
            continue
        else:
            segments.append(segment)
    if segments and segments[0] == "..":
        return _file_path(f"{WORKING_DIRECTORY}/{'/'.join(segments)}")
    encoded = "/".join(map(_component, segments))
    return f"%2F{encoded}" if is_absolute else encoded or "%2E"


def _query_of(query: Mapping[str, QueryValue]) -> str:
    given: list[tuple[str, str]] = []
    for name, value in query.items():
        if value is None:
            continue
        if isinstance(value, bool):
            given.append((name, "true" if value else "false"))
        else:
            items = value if isinstance(value, (list, tuple)) else (value,)
            given.extend((name, str(item)) for item in items)
    return urlencode(given)
