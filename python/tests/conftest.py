from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support.daemon import Daemon
from tests.support.telemetry_sink import TelemetrySink


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def daemon() -> Iterator[Daemon]:
    with Daemon() as started:
        yield started


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests are not the tests'."""
    for name in list(os.environ):
        if name.startswith(("SANDGLASS_", "OTEL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SANDGLASS_CREDENTIALS", "/does/not/exist")


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[TelemetrySink]:
    """Registered for the time of the test."""
    made = TelemetrySink()
    made.register(monkeypatch)
    yield made
    made.shutdown()
