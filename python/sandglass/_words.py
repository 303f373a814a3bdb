"""Words that the API has a few of, without a class among them; public as part of `sandglass.models`."""

from __future__ import annotations

from typing import Literal, TypeAlias

Language: TypeAlias = Literal["python", "javascript", "bash"]
Level: TypeAlias = Literal["debug", "info", "warn", "error"]
SandboxState: TypeAlias = Literal["starting", "running", "paused", "terminating", "terminated"]
Isolation: TypeAlias = Literal["bubblewrap", "crun", "gvisor", "kubernetes"]
RecordMode: TypeAlias = Literal["full", "metadata"]
Scope: TypeAlias = Literal["admin"]
RunStatus: TypeAlias = Literal["ok", "error", "cancelled"]
