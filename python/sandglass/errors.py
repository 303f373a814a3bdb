"""What calls raise: one root, one class for each code of the catalogue.

`ConnectionError` and `TimeoutError` are named as in the TypeScript client, and are caught by the built-in names too.
"""

from __future__ import annotations

import builtins
import json
from urllib.parse import unquote

from ._catalogue import *  # noqa: F403
from ._catalogue import BY_CODE, ERROR_STATUS, ErrorCode, InternalError
from ._error import SandglassError

__all__ = [
    "ERROR_STATUS",
    "ConnectionError",
    "ErrorCode",
    "SandglassError",
    "StreamError",
    "TimeoutError",
    *sorted(cls.__name__ for cls in BY_CODE.values()),
]


class ConnectionError(SandglassError, builtins.ConnectionError):
    """No answer came: the daemon could not be reached, or the connection went before it answered.

    `code` is "CONNECTION_FAILED"; `__cause__` is the HTTP client's own error.
    """

    code = "CONNECTION_FAILED"
    status = 502


class TimeoutError(SandglassError, builtins.TimeoutError):
    """The daemon did not answer within `request_timeout_ms`. `code` is "REQUEST_TIMEOUT".

    An exec's own time limit is a cause, never an error.
    """

    code = "REQUEST_TIMEOUT"
    status = 504


class StreamError(SandglassError):
    """A stream broke and could not be picked up again within the bounded tries, or said what is not the protocol.

    `code` is "STREAM_BROKEN". What had arrived before was right and complete.
    """

    code = "STREAM_BROKEN"
    status = 502
    #: Of the exec whose stream broke: `execs.stream(exec_id, after=last_seq)` continues it later.
    exec_id: str | None = None
    #: `seq` of the last line that arrived; None where none did.
    last_seq: int | None = None


_CLASSES: dict[str, type[SandglassError]] = {
    **BY_CODE,
    "CONNECTION_FAILED": ConnectionError,
    "REQUEST_TIMEOUT": TimeoutError,
    "STREAM_BROKEN": StreamError,
}
_NEAREST = {
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "ROUTE_NOT_FOUND",
    413: "PAYLOAD_TOO_LARGE",
    502: "CONNECTION_FAILED",
    503: "SHUTTING_DOWN",
    504: "REQUEST_TIMEOUT",
    507: "DISK_FULL",
}


def error_from_answer(
    status: int, body: str, request_id: str | None, code: str | None, message: str | None = None
) -> SandglassError:
    """The error that an HTTP error answer stands for.

    An answer that is not the catalogue's (a proxy's page, a newer daemon's code) keeps its words and gets the code nearest to
    its status.

    Args:
        code: `x-error-code`, for an answer to HEAD, which has no body
        message: `x-error-message`, percent-encoded; with answers to HEAD alone
    """
    error = _parse_error_body(body)
    if error is None:
        words = f": {body[:200]}" if body else ""
        if not words and code in _CLASSES:
            words = f" ({code})"
        known = code if code in _CLASSES else _code_for(status)
        text = unquote(message) if message else f"the server answered {status}{words}"
        return _class_of(known)(text, request_id=request_id)
    said, text, hint = str(error["code"]), str(error["message"]), error.get("hint")
    given = error.get("requestId")
    if said not in _CLASSES:
        text = f"{said}: {text}"
    return _class_of(said if said in _CLASSES else _code_for(status))(
        text,
        hint=hint if isinstance(hint, str) else None,
        request_id=given if isinstance(given, str) else request_id,
    )


def _parse_error_body(body: str) -> dict[str, object] | None:
    try:
        parsed = json.loads(body)
    except ValueError:
        return None
    error = parsed.get("error") if isinstance(parsed, dict) else None
    if not isinstance(error, dict):
        return None
    return error if isinstance(error.get("code"), str) and isinstance(error.get("message"), str) else None


def _code_for(status: int) -> str:
    return _NEAREST.get(status, "INTERNAL" if status >= 500 else "INVALID_REQUEST")


def _class_of(code: str | None) -> type[SandglassError]:
    return _CLASSES.get(code or "", InternalError)
