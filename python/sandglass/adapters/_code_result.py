"""How a call is told to a model."""

from __future__ import annotations

from dataclasses import dataclass

from ..stream_events import ExecResult


@dataclass(frozen=True)
class CodeResult:
    """How a call went: all of it, and what of it a model is shown."""

    #: For the model: output, value and ending, cut to the limit.
    text: str
    #: The code raised, or did not come to its end.
    is_error: bool
    #: Uncut.
    exec: ExecResult


def to_code_result(exec: ExecResult, max_chars: int) -> CodeResult:
    """
    Args:
        max_chars: of stdout, of stderr and of the value each
    """
    is_error = exec.exit_code != 0 or exec.cause != "exited"
    value = (exec.result or {}).get("text/plain")
    parts: list[str] = []
    if exec.stdout:
        parts.append(head_and_tail(exec.stdout, max_chars))
    if exec.stderr:
        parts.append(f"[stderr]\n{head_and_tail(exec.stderr, max_chars)}")
    if value is not None:
        parts.append(f"[value]\n{head_and_tail(value, max_chars)}")
    if is_error:
        parts.append(f"[{_ending(exec)}]")
    if exec.context_lost:
        parts.append("[the interpreter was started anew: variables are gone, files are kept]")
    # An empty result reads as a failure to some models, and to some APIs it is one.
    text = "\n".join(part.rstrip() for part in parts) or "[no output]"
    return CodeResult(text, is_error, exec)


def _ending(exec: ExecResult) -> str:
    if exec.cause == "exited":
        return f"exit code {exec.exit_code}"
    reason = f", {exec.reason}" if exec.reason else ""
    return f"ended: {exec.cause}{reason}, exit code {exec.exit_code}"


def head_and_tail(text: str, max_chars: int) -> str:
    """The beginning and the end of a text that is too long, with a line between that says how much is missing."""
    if len(text) <= max_chars:
        return text
    head, tail = (max_chars + 1) // 2, max_chars // 2
    missing = len(text) - head - tail
    return f"{text[:head]}\n[… {missing} characters left out …]\n{text[len(text) - tail :]}"
