"""What `otel_export=True` takes along."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_PREFIX = "OTEL_EXPORTER_OTLP_"
_ENDPOINT = re.compile(r"OTEL_EXPORTER_OTLP_(?:(?:TRACES|METRICS|LOGS)_)?ENDPOINT")


def with_export_environment(
    env: Mapping[str, str] | None = None, own: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """`env` and the caller's own `OTEL_EXPORTER_OTLP_*` variables, so that the sandbox's telemetry goes where the caller's goes.

    Files of certificates stay here: the daemon may be on another machine. Where `env` names an endpoint itself, it means
    another place, and nothing is added.
    """
    env = env or {}
    if any(_ENDPOINT.fullmatch(name) for name in env):
        return dict(env)
    taken = {
        name: value
        for name, value in own.items()
        if name.startswith(_PREFIX) and not name.endswith(("_CERTIFICATE", "_KEY")) and value
    }
    return {**taken, **env}
