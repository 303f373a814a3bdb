from __future__ import annotations

import os
import subprocess
import sys
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
