from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.daemon import Daemon

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
PRINTED = {
    "main.py": "[0] 0\n1\n2\n0 exited\nstdout='Hello World!\\n' stderr='' exit_code=0\n",
    "many_sandboxes.py": "below 10: 4\nbelow 100: 25\nbelow 1000: 168\nbelow 10000: 1229\n",
    "files.py": "/workspace/squares.csv 1642641\npacked: True\n['squares.csv', 'squares.csv.gz']\n",
}


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_the_example_runs_and_prints_what_its_page_says(daemon: Daemon, name: str) -> None:
    env = {**os.environ, "SANDGLASS_URL": daemon.url, "SANDGLASS_API_KEY": daemon.api_key}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)], capture_output=True, text=True, env=env, timeout=60
    )
    assert (done.stderr, done.returncode) == ("", 0)
    if name in PRINTED:
        # Whether the first three lines come as one piece is the daemon's to say.
        assert done.stdout.replace("[1] ", "").replace("[2] ", "") == PRINTED[name]
    else:
        assert "total: 42.5" in done.stdout and "agent.tool_call" in done.stdout


def test_the_page_about_runs_has_code_that_runs(daemon: Daemon) -> None:
    page = (EXAMPLES.parents[1] / "docs" / "runs.md").read_text()
    first, *others = re.findall(r"^```python\n(.+?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(others) == 3
    # What the page says of a program of the reader's own.
    around = """
from types import SimpleNamespace
from sandglass import ToolOutcome
query, code, args, block = "words", "print(1)", {}, SimpleNamespace(id="toolu_1")
traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
def search(_): return ["found"]
with Client() as client, client.run("the rest of the page") as run, run.sandboxes.create("python") as sandbox:
"""
    program = first + around + textwrap.indent("\n".join(others), "    ")
    env = {**os.environ, "SANDGLASS_URL": daemon.url, "SANDGLASS_API_KEY": daemon.api_key}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=env, timeout=60
    )
    assert (done.stderr, done.returncode) == ("", 0)
