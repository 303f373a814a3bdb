"""What all adapters may be told, and what they tell models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from .._options import CreateSandboxOptions
from .._words import Language

if TYPE_CHECKING:
    from typing_extensions import Unpack


class ToolOptions(TypedDict, total=False):
    """The options of every adapter. All may be left out."""

    #: What code the model is asked for. Default "python".
    language: Language | None
    #: Of the sandbox that is made. Default: the one for `language`.
    template: str | None
    #: Further options of the sandbox that is made: limits, `env`, `record`, ….
    create: CreateSandboxOptions | None
    #: Until a call is ended with cause `timed_out`, which the model is told. Default 60,000; 0 leaves it to the daemon.
    timeout_ms: int
    #: How much of stdout, of stderr and of a value the model is shown: characters of each. Of what is longer it gets the beginning and the
    #: end. Default 8,000.
    max_output_chars: int
    #: Record arguments and results of the calls too, not only their names and times. Default: what `run` was opened with, else False. A
    #: `run` that was opened without keeps them out either way.
    capture_content: bool | None
    #: Name of the tool. Default "run_code".
    name: str
    #: What the model is told of the tool. Default: a text that says what the sandbox can do.
    description: str | None


#: What models are asked for, in JSON Schema: the subset that every provider takes, also in strict mode.
CODE_PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"code": {"type": "string", "description": "The code to run"}},
    "required": ["code"],
    "additionalProperties": False,
}

#: What the model is told where it filled in something else.
INVALID_INPUT = 'The arguments have to be {"code": string}.'

#: The templates that are for one language.
TEMPLATES: dict[Language, str] = {"python": "python", "javascript": "node", "bash": "bash"}

_LANGUAGE_NAMES: dict[Language, str] = {"python": "Python", "javascript": "JavaScript", "bash": "bash"}


def code_of(arguments: object) -> str | None:
    """What a model filled in, which not every framework checks; None where it is not as `CODE_PARAMETERS` say."""
    code = arguments.get("code") if isinstance(arguments, dict) else None
    return code if isinstance(code, str) else None


def describe_tool(**options: Unpack[ToolOptions]) -> tuple[str, str]:
    """Name and description as the options say."""
    language = _LANGUAGE_NAMES[options.get("language") or "python"]
    description = options.get("description") or (
        f"Runs {language} code in an isolated Linux sandbox. Returns what it printed, the value of its last expression and how it "
        "ended. Variables and files stay for the next call; the working directory is /workspace."
    )
    return options.get("name") or "run_code", description
