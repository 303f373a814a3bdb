"""The root of all errors."""

from __future__ import annotations

from typing import Any


class SandglassError(Exception):
    """An error of the catalogue that the daemon and its clients share.

    Every error of this package is one; there is a class for each code, as `SandboxNotFoundError`, and all of them have the
    same attributes.

    Example:
        try:
            client.sandboxes.get(sandbox_id)
        except SandboxNotFoundError as error:
            print(error.code, error.hint)
    """

    #: Of the catalogue, e.g. "SANDBOX_NOT_FOUND".
    code: str = "INTERNAL"
    #: The HTTP status that goes with the code.
    status: int = 500

    def __init__(
        self, message: str, *, hint: str | None = None, request_id: str | None = None, **details: Any
    ) -> None:
        super().__init__(message)
        self.message = message
        #: What to do about it.
        self.hint = hint
        #: Of the HTTP request that failed; None where none was made.
        self.request_id = request_id
        for name, value in details.items():
            setattr(self, name, value)
        self._details = {"hint": hint, "request_id": request_id, **details}

    def __str__(self) -> str:
        text = f"{self.code}: {self.message}"
        if self.hint:
            text += f" ({self.hint})"
        return text if self.request_id is None else f"{text} [{self.request_id}]"

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are pickled by their positional arguments alone, which would lose the rest between processes.
        return _rebuilt, (type(self), self.message, self._details)


def _rebuilt(cls: type[SandglassError], message: str, details: dict[str, Any]) -> SandglassError:
    return cls(message, **details)
