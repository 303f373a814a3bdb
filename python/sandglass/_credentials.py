"""Which daemon, and with which key."""

from __future__ import annotations

import json
import os
import re
import stat
import warnings
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from .errors import InvalidRequestError

#: Where `sandglass serve` listens unless told otherwise.
DEFAULT_BASE_URL = "http://127.0.0.1:7070"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class SandglassWarning(UserWarning):
    """Something that is not as it was meant, and no error: a credentials file that others can read, telemetry that is lost."""


def resolve_base_url(explicit: str | None = None, env: Mapping[str, str] = os.environ) -> str:
    """The daemon's address: `explicit`, else `SANDGLASS_URL`, else `http://127.0.0.1:7070`.

    Without a trailing slash, in the form the credentials file uses as its key.

    Raises:
        InvalidRequestError: where it is not an http(s) URL, or carries a password
    """
    given = explicit if explicit is not None else env.get("SANDGLASS_URL") or DEFAULT_BASE_URL
    hint = f"set base_url or SANDGLASS_URL to something like {DEFAULT_BASE_URL}"
    try:
        url = urlsplit(given)
        port = url.port
    except ValueError:
        raise InvalidRequestError(f"not an http:// or https:// URL: {json.dumps(given)}", hint=hint) from None
    if url.scheme not in ("http", "https") or not url.hostname:
        raise InvalidRequestError(f"not an http:// or https:// URL: {json.dumps(given)}", hint=hint)
    if "@" in url.netloc:
        raise InvalidRequestError(
            "the base URL carries a user name or password",
            hint="give the key as api_key, SANDGLASS_API_KEY or in the credentials file",
        )
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    default_port = {"http": 80, "https": 443}[url.scheme]
    place = host if port in (None, default_port) else f"{host}:{port}"
    return f"{url.scheme}://{place}{url.path}".rstrip("/")


def resolve_ca_file(
    explicit: str | os.PathLike[str] | None, env: Mapping[str, str] = os.environ
) -> str | None:
    """A file of authorities to trust beside those of the system: `explicit`, else `SANDGLASS_CA_FILE`; None where there is none.

    Raises:
        InvalidRequestError: where it cannot be read
    """
    path = os.fspath(explicit) if explicit is not None else env.get("SANDGLASS_CA_FILE") or None
    if path is not None and not os.access(path, os.R_OK):
        raise InvalidRequestError(
            f"{path} cannot be read",
            hint="set ca_file or SANDGLASS_CA_FILE to the certificate of the daemon's authority, in PEM form",
        )
    return path


def credentials_path(env: Mapping[str, str] = os.environ) -> Path:
    """`$SANDGLASS_CREDENTIALS`, else `$XDG_CONFIG_HOME/sandglass/credentials.json`, else `~/.config/sandglass/credentials.json`."""
    given = env.get("SANDGLASS_CREDENTIALS")
    if given:
        return Path(given)
    home = env.get("HOME")
    config = env.get("XDG_CONFIG_HOME") or (Path(home) if home else Path.home()) / ".config"
    return Path(config) / "sandglass" / "credentials.json"


def resolve_api_key(
    base_url: str, explicit: str | None = None, env: Mapping[str, str] = os.environ
) -> str | None:
    """The key to call `base_url` with: `explicit`, else `SANDGLASS_API_KEY`, else the one the daemon of the same user
    wrote to the credentials file, `{"<base_url>": {"apiKey": "…"}}`. None where there is none.

    A file that others may read is refused with a warning, not used: its key has to be taken as known to them.

    Raises:
        InvalidRequestError: where what was given cannot be a key
    """
    given = explicit if explicit is not None else env.get("SANDGLASS_API_KEY") or None
    if given is None:
        return _key_from_file(base_url, credentials_path(env))
    if re.search(r"[^\x21-\x7e]", given):
        name = "SANDGLASS_API_KEY" if explicit is None else "api_key"
        raise InvalidRequestError(f"{name} holds a line break, a space or another character that no key has")
    return given


def missing_key_hint(base_url: str, env: Mapping[str, str] = os.environ) -> str:
    """What to do where none was found and the daemon asks for one."""
    return f"there is no key for {base_url} in {credentials_path(env)}: give api_key or SANDGLASS_API_KEY"


def _key_from_file(base_url: str, path: Path) -> str | None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        # Windows has no such bits: there every file reads as if others could read it.
        if os.name == "posix" and mode & 0o077:
            _warn(
                f"{path} can be read by other users (mode 0{mode:o}) and is ignored; "
                f"make it private with: chmod 600 {path}"
            )
            return None
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        # An error of decoding would quote the bytes, and with them the key.
        _warn(f"{path} could not be read: {error.strerror if isinstance(error, OSError) else 'not UTF-8'}")
        return None
    entries = _entries_of(text, path)
    for name in _same_daemon(base_url):
        entry = entries.get(name)
        key = entry.get("apiKey") if isinstance(entry, dict) else None
        if isinstance(key, str) and key:
            return key
    return None


def _entries_of(text: str, path: Path) -> dict[str, object]:
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        return parsed
    # The file is the user's, and its content must not end up in a message.
    _warn(f"{path} is not a JSON object and is ignored")
    return {}


def _same_daemon(base_url: str) -> list[str]:
    """The loopback names of one port are one daemon: a user who types `localhost` means the key kept for 127.0.0.1."""
    url = urlsplit(base_url)
    host, _, _ = url.netloc.rpartition(":") if url.port is not None else (url.netloc, "", "")
    if host not in _LOOPBACK:
        return [base_url]
    port = "" if url.port is None else f":{url.port}"
    path = url.path.rstrip("/")
    return [base_url, *(f"{url.scheme}://{name}{port}{path}" for name in _LOOPBACK)]


def _warn(message: str) -> None:
    warnings.warn(message, SandglassWarning, stacklevel=2)
