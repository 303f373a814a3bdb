from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import sandglass
from sandglass._async.client import AsyncClient
from sandglass._async.sandbox import AsyncSandbox
from sandglass._later import MODELS
from sandglass._later import models as later_models

PYTHON = Path(__file__).resolve().parents[1]


def members_of(cls: type) -> str:
    """Of the class, then of those it is made of."""
    ours = [base for base in cls.__mro__ if base.__module__.startswith("sandglass")]
    names = dict.fromkeys(name for base in ours for name in vars(base) if not name.startswith("_"))
    return " ".join(names)


def test_the_methods_of_the_classes_are_these_as_in_typescript() -> None:
    assert members_of(sandglass.Client) == "create_sandbox events run doctor console_link close"
    assert members_of(sandglass.Sandbox) == (
        "create connect id trace_id template run_code run_code_stream info pause resume fork diff merge terminate kill close"
    )
    assert members_of(sandglass.Sandboxes) == "create connect get list delete_record"
    assert members_of(sandglass.Commands) == "run stream"
    assert members_of(sandglass.Execs) == "list get kill stream"
    assert (
        members_of(sandglass.Files) == "read read_text read_stream write list stat exists mkdir move remove"
    )
    assert members_of(sandglass.Exporters) == "list get add replace remove retry dead_letters flush"
    assert members_of(sandglass.RecordedRuns) == "list get delete"
    assert members_of(sandglass.Traces) == "list get"
    assert members_of(sandglass.Logs) == "list tail"
    assert members_of(sandglass.Metrics) == "names series"
    assert members_of(sandglass.Status) == (
        "get export incidents incident open_incident update_incident maintenances schedule_maintenance end_maintenance"
    )
    assert members_of(sandglass.Keys) == "create rotate list revoke"
    assert (
        members_of(sandglass.Run)
        == "start run_id flush complete trace_id traceparent tool_call tool agent llm thinking"
    )


def test_every_name_that_is_exported_is_there_and_the_asynchronous_ones_are_twins() -> None:
    for name in sandglass.__all__:
        assert getattr(sandglass, name) is not None
        if name.startswith("Async"):
            twin = getattr(sandglass, name.removeprefix("Async"))
            assert members_of(getattr(sandglass, name)).replace("aclose", "close") == members_of(twin)
    assert (sandglass.AsyncClient, sandglass.AsyncSandbox) == (AsyncClient, AsyncSandbox)


def test_the_version_is_the_packages() -> None:
    stated = re.search(r'^version = "(.+)"$', (PYTHON / "pyproject.toml").read_text(), re.MULTILINE)
    assert stated is not None and stated[1] == sandglass.VERSION == sandglass.__version__


def test_every_model_is_the_one_of_its_module_and_of_the_package_whichever_is_asked_for_first() -> None:
    program = "import sandglass; print(sandglass.models.TraceInfo is sandglass.TraceInfo, 'SandboxInfo' in dir(sandglass))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"
    assert sorted(MODELS) == sorted(sandglass.models.__all__)
    for name in MODELS:
        assert getattr(sandglass, name) is getattr(sandglass.models, name) is getattr(later_models, name)


def test_importing_brings_in_neither_the_http_client_nor_opentelemetry_nor_asyncio_nor_models() -> None:
    names = "'httpx', 'opentelemetry', 'asyncio', 'ssl', 'random', 'hashlib', 'uuid', 'socket', 'difflib', 'sandglass.models'"
    program = (
        f"import sandglass, sys; print([m for m in sys.modules if m in ({names}) or m.endswith('_models')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_generated_files_are_what_their_sources_say() -> None:
    for script in ("generate_protocol.py", "generate_sync.py"):
        done = subprocess.run(
            [sys.executable, str(PYTHON / "scripts" / script), "--check"], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


def test_no_secret_is_in_a_repr() -> None:
    client = sandglass.Client("http://127.0.0.1:1", "sgk_secret")
    sandbox = sandglass.Sandbox("python", client=client)
    assert (
        "sgk_secret"
        not in f"{client!r} {sandbox!r} {sandglass.AsyncClient('http://127.0.0.1:1', 'sgk_secret')!r}"
    )
