"""The package as it is published: built, and used from a folder that has nothing of the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path

import pytest

from tests.support.scripted_server import (
    Response,
    ScriptedServer,
    SeenRequest,
    counting_lines,
    sandbox_info,
)

PYTHON = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "-w",
            folder,
            PYTHON,
        ],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    [path] = folder.glob("*.whl")
    yield path


@pytest.fixture
def folder(wheel: Path, tmp_path: Path) -> Path:
    """With the package below `site`; what it depends on comes from the tests' own environment."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    return tmp_path


def test_the_wheel_holds_the_package_its_types_and_licence_and_depends_on_nothing_but_httpx(
    wheel: Path,
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = HeaderParser().parsestr(
            archive.read(next(name for name in names if name.endswith("/METADATA"))).decode()
        )
        licence = archive.read(next(name for name in names if name.endswith("/LICENSE")))
    assert {name.split("/")[0].split("-")[0] for name in names} == {"sandglass"}
    assert "sandglass/py.typed" in names and "sandglass/_sync/client.py" in names
    assert licence == (PYTHON.parent / "LICENSE").read_bytes()
    assert not [name for name in names if name.endswith((".pyc", ".md"))]
    needed = [each for each in metadata.get_all("Requires-Dist", []) if "extra ==" not in each]
    assert [each.split("<")[0].split(">")[0].strip() for each in needed] == ["httpx"]


def test_a_script_in_an_empty_folder_imports_the_package_and_runs_code(folder: Path) -> None:
    def script(request: SeenRequest, response: Response, _: int) -> None:
        if request.url == "/v1/sandboxes":
            return response.json(sandbox_info(), 201)
        if request.method == "DELETE":
            return response.begin(204, {"content-length": "0"})
        response.stream()
        return response.end("".join(counting_lines(2)))

    program = """
import sandglass
with sandglass.Sandbox(template="python") as sandbox:
    result = sandbox.run_code("count")
print(sandglass.__file__, result.stdout.split(), result.cause)
"""
    with ScriptedServer(script) as server:
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            cwd=folder,
            env=environment(folder, SANDGLASS_URL=server.url, SANDGLASS_API_KEY="sgk_1"),
            timeout=60,
        )
    package = folder / "site" / "sandglass" / "__init__.py"
    assert (done.stdout, done.stderr) == (f"{package} ['0', '1'] exited\n", "")


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(folder / "site"), "PYTHONDONTWRITEBYTECODE": "1", **more}
