"""What of a run's contents leaves the process."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ._error import SandglassError
from .errors import InvalidRequestError

#: Shapes of secrets that are well known: what `redact` is by default. Each is bounded, so that no text takes long. The same as in the
#: TypeScript client.
SECRET_PATTERNS: tuple[re.Pattern[str], ...] = (
    # An Authorization header's value.
    re.compile(r"(?<![A-Za-z0-9])(?:Bearer|Basic)[ \t]{1,4}[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE),
    # OpenAI, Anthropic and those who name theirs alike; Stripe.
    re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}"),
    re.compile(r"(?<![A-Za-z0-9])[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    # AWS: the key's id, and its secret where it is named.
    re.compile(r"(?<![A-Za-z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])"),
    re.compile(
        r"aws_?secret_?access_?key[\\\"']{0,3}\s{0,4}[:=]\s{0,4}[\\\"']{0,3}[A-Za-z0-9/+]{40}", re.IGNORECASE
    ),
    # GitHub, Slack, Google.
    re.compile(r"(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{20,}"),
    re.compile(r"(?<![A-Za-z0-9])github_pat_[A-Za-z0-9_]{20,}"),
    re.compile(r"(?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9-]{10,}"),
    re.compile(r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}"),
    # A JSON Web Token.
    re.compile(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*"),
    # One whose end was cut off too.
    re.compile(
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)"
    ),
    # The password in a URL, with the user before it.
    re.compile(
        r"(?<![A-Za-z0-9])[a-z][a-z0-9+.-]{1,30}://[^\s/:@\"']{0,200}:[^\s/\"']{1,500}@", re.IGNORECASE
    ),
)
DEFAULT_MAX_BYTES = 32 * 1024
#: As JSON still within the 256 KiB that the daemon takes as one event.
_MAX_BYTES = 240 * 1024
_REDACTED = "[redacted]"


class Content:
    """Decides what is recorded of contents: nothing, or text without secrets and of a bounded size."""

    def __init__(
        self,
        capture_content: bool = False,
        redact: Sequence[re.Pattern[str] | str] | None = None,
        max_content_bytes: int = DEFAULT_MAX_BYTES,
    ) -> None:
        """
        Raises:
            InvalidRequestError
        """
        if not 0 <= max_content_bytes <= _MAX_BYTES:
            raise InvalidRequestError(
                f"max_content_bytes must be 0 to {_MAX_BYTES}", hint="one event takes no more"
            )
        self._is_captured = capture_content
        self._redact = SECRET_PATTERNS if redact is None else tuple(redact)
        self._max_bytes = max_content_bytes

    def text(self, content: Any) -> str | None:
        """What is recorded of a content: text as it is, an error's class and message, all else as JSON. None where that is nothing."""
        if not self._is_captured or content is None:
            return None
        if isinstance(content, BaseException):
            content = f"{type(content).__name__}: {content}"
        return self._cut(self._redacted(content if isinstance(content, str) else self._json(content)))

    def error(self, error: BaseException | str | None) -> str | None:
        """What is recorded of an error: its message where contents are, else its kind; None where it has none."""
        return self.text(error) if self._is_captured else _kind_of(error)

    def _redacted(self, text: str) -> str:
        for pattern in self._redact:
            if isinstance(pattern, str):
                text = text.replace(pattern, _REDACTED) if pattern else text
            else:
                text = pattern.sub(_REDACTED, text)
        return text

    def _json(self, content: Any) -> str:
        try:
            return json.dumps(self._without_secrets(content), ensure_ascii=False, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError):
            # What is no JSON is recorded as it says it is: recording must not break the agent.
            return str(content)

    def _without_secrets(self, value: Any) -> Any:
        """Texts are searched before JSON escapes them, too: a quotation mark must not hide what has one in it."""
        if isinstance(value, str):
            return self._redacted(value)
        if isinstance(value, Mapping):
            return {key: self._without_secrets(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._without_secrets(item) for item in value]
        return value

    def _cut(self, text: str) -> str:
        size = len(_utf8(text))
        if size <= self._max_bytes and _json_size(text) <= _MAX_BYTES:
            return text
        kept = _first_bytes(text, self._max_bytes)
        # Control characters become six times as long.
        while _json_size(kept) > _MAX_BYTES:
            kept = _first_bytes(kept, len(kept) // 2)
        return f"{kept}… [cut: {size} bytes]"


def _kind_of(error: BaseException | str | None) -> str | None:
    """The class or the code of an error; what only its raiser knows is content."""
    if not isinstance(error, BaseException):
        return None
    return error.code if isinstance(error, SandglassError) else type(error).__name__


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _json_size(text: str) -> int:
    return len(json.dumps(text))


def _first_bytes(text: str, max_bytes: int) -> str:
    """The longest beginning of whole characters."""
    return _utf8(text)[:max_bytes].decode("utf-8", "ignore")
