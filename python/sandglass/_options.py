"""Options that more than one call takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from ._decode import wire
from ._export_environment import with_export_environment
from ._words import Isolation, Level, RecordMode


class EgressOptions(TypedDict, total=False):
    """What a sandbox may reach: names, `*.name`, addresses, CIDR blocks or `*`, with `:port` or `:*`, else on ports 80 and 443."""

    #: What no rule speaks of. Default "deny"; "allow" is of public addresses, on ports 80 and 443.
    default: Literal["deny", "allow"]
    #: Private addresses only as addresses or blocks, by keys with the scope "admin".
    allow: list[str]
    #: On all ports where none is named. Wins over `allow`.
    deny: list[str]


class NetworkOptions(TypedDict, total=False):
    """A sandbox's network."""

    #: Through the proxy on 127.0.0.1:3128 inside. Default: nothing is reached.
    egress: EgressOptions


class CreateSandboxOptions(TypedDict, total=False):
    """Limits and the like of a new sandbox; defaults come from the template, then the daemon."""

    vcpu: float | None
    memory_mb: int | None
    disk_mb: int | None
    max_pids: int | None
    #: Bytes one exec may write to stdout and stderr together before it ends with `output_limit`.
    max_output_bytes: int | None
    #: Lifetime in milliseconds; 0 is unlimited.
    timeout_ms: int | None
    idle_timeout_ms: int | None
    on_idle: Literal["pause", "terminate"] | None
    env: Mapping[str, str] | None
    metadata: Mapping[str, str] | None
    isolation: Isolation | None
    record: RecordMode | None
    #: What its programs send with OpenTelemetry, and the host's spans about it, go to the caller's own endpoint too: with True the caller's
    #: `OTEL_EXPORTER_OTLP_*` variables are taken along; they never reach the sandbox.
    otel_export: bool | None
    #: Programs inside report spans of themselves, without a change to their code.
    instrument: bool | None
    #: Lines of stdout and stderr become OpenTelemetry log records too.
    logs: bool | None
    #: What it may reach. Default: the template's, else nothing.
    network: NetworkOptions | None
    run_id: str | None
    #: W3C `traceparent`, carried by every call of this sandbox. An invalid one is warned about once and not sent.
    traceparent: str | None
    #: Sent only together with a valid `traceparent`.
    tracestate: str | None
    baggage: str | None


class ExporterFilter(TypedDict, total=False):
    """Which events an exporter gets."""

    #: `exec.*`, `!exec.streamed`.
    types: list[str]
    min_level: Level
    #: A small expression: `data.exitCode != 0 && type == "exec.completed"`.
    where: str


_KNOWN = frozenset(CreateSandboxOptions.__annotations__)
_TRACE = ("traceparent", "tracestate", "baggage")


def create_request(template: str | None, options: Mapping[str, Any], run_id: str | None) -> dict[str, Any]:
    """The body of `POST /v1/sandboxes`."""
    for name in options:
        if name not in _KNOWN:
            from difflib import get_close_matches

            near = get_close_matches(name, _KNOWN, 1)
            raise TypeError(f"there is no option {name!r}" + (f": did you mean {near[0]!r}?" if near else ""))
    own = {name: value for name, value in options.items() if name not in _TRACE}
    if own.get("otel_export") is True:
        own["env"] = with_export_environment(own.get("env"))
    if own.get("run_id") is None:
        own["run_id"] = run_id
    return wire({"template": template, **own})


def exporter_spec(
    provider: str,
    id: str | None,
    config: Mapping[str, Any] | None,
    filter: ExporterFilter | None,
    start_at: str | None,
    required: bool | None,
) -> dict[str, Any]:
    """The body that describes an exporter."""
    return wire(
        {
            "provider": provider,
            "id": id,
            "config": config,
            "filter": None if filter is None else wire(filter),
            "start_at": start_at,
            "required": required,
        }
    )
