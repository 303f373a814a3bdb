"""The Python client of Sandglass: run AI agents' code in sandboxes you can see through.

Example:
    from sandglass import Sandbox

    with Sandbox(template="python") as sandbox:
        print(sandbox.run_code("print(6 * 7)").stdout)

Every class has an asynchronous twin: `AsyncSandbox`, `AsyncClient`, ….
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import errors, models
from ._content import SECRET_PATTERNS
from ._credentials import SandglassWarning
from ._options import CreateSandboxOptions, EgressOptions, ExporterFilter, NetworkOptions
from ._output import output_bytes, output_text
from ._sync.agents import Agent, ToolCall
from ._sync.client import Client
from ._sync.commands import Commands
from ._sync.execs import Execs
from ._sync.exporters import Exporters
from ._sync.files import Files
from ._sync.keys import Keys
from ._sync.logs import Logs
from ._sync.metrics import Metrics
from ._sync.recorded_runs import RecordedRuns
from ._sync.runs import Run
from ._sync.sandbox import Sandbox
from ._sync.sandboxes import Sandboxes
from ._sync.status import Status
from ._sync.traces import Traces
from ._tool_outcome import ToolOutcome
from ._version import VERSION
from .errors import *  # noqa: F403
from .models import *  # noqa: F403
from .stream_events import ExecResult, ExitEvent, OutputEvent, ResultEvent, StreamEvent

if TYPE_CHECKING:
    from ._async.agents import AsyncAgent, AsyncToolCall
    from ._async.client import AsyncClient
    from ._async.commands import AsyncCommands
    from ._async.execs import AsyncExecs
    from ._async.exporters import AsyncExporters
    from ._async.files import AsyncFiles
    from ._async.keys import AsyncKeys
    from ._async.logs import AsyncLogs
    from ._async.metrics import AsyncMetrics
    from ._async.recorded_runs import AsyncRecordedRuns
    from ._async.runs import AsyncRun
    from ._async.sandbox import AsyncSandbox
    from ._async.sandboxes import AsyncSandboxes
    from ._async.status import AsyncStatus
    from ._async.traces import AsyncTraces

__version__ = VERSION

#: Where the asynchronous ones are. They import asyncio, which a program that has no use for it need not wait for.
_LATER = {
    "AsyncAgent": "agents",
    "AsyncClient": "client",
    "AsyncCommands": "commands",
    "AsyncExecs": "execs",
    "AsyncExporters": "exporters",
    "AsyncFiles": "files",
    "AsyncKeys": "keys",
    "AsyncLogs": "logs",
    "AsyncMetrics": "metrics",
    "AsyncRecordedRuns": "recorded_runs",
    "AsyncRun": "runs",
    "AsyncSandbox": "sandbox",
    "AsyncSandboxes": "sandboxes",
    "AsyncStatus": "status",
    "AsyncToolCall": "agents",
    "AsyncTraces": "traces",
}

__all__ = [
    "SECRET_PATTERNS",
    "VERSION",
    "Agent",
    "AsyncAgent",
    "AsyncClient",
    "AsyncCommands",
    "AsyncExecs",
    "AsyncExporters",
    "AsyncFiles",
    "AsyncKeys",
    "AsyncLogs",
    "AsyncMetrics",
    "AsyncRecordedRuns",
    "AsyncRun",
    "AsyncSandbox",
    "AsyncSandboxes",
    "AsyncStatus",
    "AsyncToolCall",
    "AsyncTraces",
    "Client",
    "Commands",
    "CreateSandboxOptions",
    "EgressOptions",
    "ExecResult",
    "Execs",
    "ExitEvent",
    "ExporterFilter",
    "Exporters",
    "Files",
    "Keys",
    "Logs",
    "Metrics",
    "NetworkOptions",
    "OutputEvent",
    "RecordedRuns",
    "ResultEvent",
    "Run",
    "Sandbox",
    "Sandboxes",
    "SandglassWarning",
    "Status",
    "StreamEvent",
    "ToolCall",
    "ToolOutcome",
    "Traces",
    "output_bytes",
    "output_text",
    *errors.__all__,
    *models.__all__,
]


def __getattr__(name: str) -> Any:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module 'sandglass' has no attribute {name!r}")
    value = getattr(import_module(f"._async.{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
