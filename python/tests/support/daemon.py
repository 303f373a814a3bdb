"""A daemon in a process of its own, as a user starts it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

#: Of this checkout, unless another is to be tested.
SANDGLASS = Path(
    os.environ.get("SANDGLASS_TEST_BIN") or Path(__file__).resolve().parents[3] / "bin" / "sandglass"
)
_READY = re.compile(r"ready.*?(http://[^\s\"]+)|(http://[^\s\"]+).*ready")
_START_SECONDS = 60


class Daemon:
    """Started on a free port with directories of its own; ready when the constructor returns.

    Raises:
        RuntimeError: with everything it wrote where it ends before that
    """

    def __init__(
        self, data_dir: Path | None = None, api_key: str | None = None, args: Sequence[str] = ()
    ) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="sandglass-python-"))
        self.data_dir = data_dir or self._home / "data"
        self.credentials_file = self._home / "credentials.json"
        #: Empty where it makes its own, which it writes to the credentials file.
        self.api_key = f"test_{secrets.token_urlsafe(24)}" if api_key is None else api_key
        self._lines: list[str] = []
        self._url: str | None = None
        self._seen = threading.Event()
        self._process = subprocess.Popen(
            [str(SANDGLASS), "serve", "--port", "0", "--data-dir", str(self.data_dir), *args],
            cwd=self._home,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._seen.wait(_START_SECONDS)
        if self._url is None:
            self.stop()
            raise RuntimeError("the daemon was not ready:\n" + "".join(self._lines))
        self.url: str = self._url

    def _environment(self) -> dict[str, str]:
        # The settings of whoever runs the tests are not the tests'.
        mine = {
            name: value for name, value in os.environ.items() if not name.startswith(("SANDGLASS_", "OTEL_"))
        }
        mine["SANDGLASS_CREDENTIALS"] = str(self.credentials_file)
        # What a daemon looks at by itself would be in every record that a test looks at.
        mine["SANDGLASS_STATUS_ENABLED"] = "false"
        if self.api_key:
            mine["SANDGLASS_API_KEYS"] = self.api_key
        return mine

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            found = _READY.search(line)
            if found is not None and self._url is None:
                self._url = found[1] or found[2]
                self._seen.set()
        self._seen.set()

    def announced(self, name: str) -> str:
        """What its line about being ready says of something else that it serves, e.g. `agent_sandbox`."""
        found = re.search(rf"\b{name}=(\S+)", "".join(self._lines))
        assert found is not None, self._lines
        return found[1]

    def kill(self) -> None:
        """As a crash would have it; leaves the data directory."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(2)
        if self._process.stdout is not None and not self._reader.is_alive():
            self._process.stdout.close()
        shutil.rmtree(self._home, ignore_errors=True)

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
