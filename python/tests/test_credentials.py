from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

import pytest

from sandglass import InvalidRequestError, SandglassWarning
from sandglass._credentials import credentials_path, resolve_api_key, resolve_base_url

LOCAL = "http://127.0.0.1:7070"


def credentials_file(folder: Path, content: str, mode: int = 0o600) -> dict[str, str]:
    path = folder / "credentials.json"
    path.write_text(content)
    path.chmod(mode)
    return {"SANDGLASS_CREDENTIALS": str(path)}


def test_the_base_url_is_the_option_else_sandglass_url_else_the_local_default_without_a_trailing_slash() -> (
    None
):
    assert resolve_base_url("http://a:1/", {"SANDGLASS_URL": "http://b"}) == "http://a:1"
    assert resolve_base_url(None, {"SANDGLASS_URL": "https://B:443/sandglass/"}) == "https://b/sandglass"
    assert resolve_base_url(None, {}) == LOCAL
    assert resolve_base_url("http://[::1]:7070", {}) == "http://[::1]:7070"


def test_a_base_url_that_is_none_or_that_carries_a_password_is_refused_without_repeating_the_password() -> (
    None
):
    for given in ("localhost:7070", "ftp://x", "http://", "http://x:port"):
        with pytest.raises(InvalidRequestError, match="not an http"):
            resolve_base_url(given)
    with pytest.raises(InvalidRequestError) as caught:
        resolve_base_url("http://me:secret@host")
    assert "secret" not in str(caught.value)


def test_the_credentials_file_is_found_by_sandglass_credentials_then_xdg_config_home_then_home() -> None:
    given = {"SANDGLASS_CREDENTIALS": "/x.json", "XDG_CONFIG_HOME": "/c"}
    assert credentials_path(given) == Path("/x.json")
    assert credentials_path({"XDG_CONFIG_HOME": "/c", "HOME": "/h"}) == Path("/c/sandglass/credentials.json")
    assert credentials_path({"HOME": "/h"}) == Path("/h/.config/sandglass/credentials.json")


def test_the_key_is_the_option_else_sandglass_api_key_else_the_files_entry_for_this_daemon(
    tmp_path: Path,
) -> None:
    env = credentials_file(tmp_path, json.dumps({LOCAL: {"apiKey": "from-file"}}))
    assert resolve_api_key(LOCAL, "given", {**env, "SANDGLASS_API_KEY": "env"}) == "given"
    assert resolve_api_key(LOCAL, None, {**env, "SANDGLASS_API_KEY": "env"}) == "env"
    assert resolve_api_key(LOCAL, None, env) == "from-file"
    assert resolve_api_key("http://localhost:7070", None, env) == "from-file"
    assert resolve_api_key("http://[::1]:7070", None, env) == "from-file"
    assert resolve_api_key("http://127.0.0.1:7071", None, env) is None
    assert resolve_api_key("https://example.org:7070", None, env) is None


@pytest.mark.skipif(os.name != "posix", reason="permission bits")
def test_a_file_that_others_can_read_is_refused_with_a_warning_that_says_how_to_repair_it(
    tmp_path: Path,
) -> None:
    env = credentials_file(tmp_path, json.dumps({LOCAL: {"apiKey": "k"}}), 0o644)
    with pytest.warns(SandglassWarning, match="chmod 600"):
        assert resolve_api_key(LOCAL, None, env) is None


@pytest.mark.parametrize(
    "content", ["sgk_secret", '["sgk_secret"]', "\udcff".encode("utf-8", "surrogateescape").decode("latin-1")]
)
def test_a_file_that_is_no_json_object_is_ignored_with_a_warning_that_shows_nothing_of_it(
    tmp_path: Path, content: str
) -> None:
    env = credentials_file(tmp_path, content)
    with pytest.warns(SandglassWarning) as warned:
        assert resolve_api_key(LOCAL, None, env) is None
    assert "sgk_secret" not in str(warned[0].message)


def test_without_a_file_there_is_no_key_and_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve_api_key(LOCAL, None, {"SANDGLASS_CREDENTIALS": "/does/not/exist"}) is None


def test_what_cannot_be_a_key_is_refused_by_the_name_it_was_given_under_and_not_repeated() -> None:
    with pytest.raises(InvalidRequestError, match="SANDGLASS_API_KEY holds a line break") as refused:
        resolve_api_key(LOCAL, None, {"SANDGLASS_API_KEY": "sgk_a\n"})
    assert "sgk_a" not in str(refused.value)
    with pytest.raises(InvalidRequestError, match="api_key holds"):
        resolve_api_key(LOCAL, "sgk a")
