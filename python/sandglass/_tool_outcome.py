"""What is recorded of what a tool returned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ToolOutcome:
    """Of a tool call, where what its function returned is not what the record is to say."""

    #: With `capture_content`; None records nothing of it.
    result: Any = None
    is_error: bool = False
