"""What of a run's contents leaves the process: as `content.test.ts` of the TypeScript client."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sandglass import SECRET_PATTERNS, InvalidRequestError, SandboxEndedError
from sandglass._content import Content


def letters(count: int) -> str:
    return ("aB3dEf6hIj" * 9)[:count]


#: Secrets that belong to nobody, and each what must not be left of it.
SECRETS = [
    (f"authorization: Bearer {letters(24)}", letters(24)),
    (f"Authorization: Basic {letters(24)}==", letters(24)),
    (f"key sk-{letters(32)}.", letters(32)),
    (f"sk-ant-api03-{letters(40)}", letters(40)),
    ("AKIA" + "ABCD2345EFGH6789" + " and more", "ABCD2345EFGH6789"),
    (f'aws_secret_access_key = "{letters(40)}"', letters(40)),
    (f"ghp_{letters(36)}", letters(36)),
    (f"github_pat_{letters(40)}", letters(40)),
    (f"-----BEGIN RSA PRIVATE KEY-----\n{letters(64)}\n-----END RSA PRIVATE KEY-----", letters(64)),
    (f"-----BEGIN PRIVATE KEY-----\n{letters(64)}", letters(64)),
    ("psql postgres://admin:p@ssw0rd@db.example/app", "p@ssw0rd"),
    ("redis://:hunter22@cache", "hunter22"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_secrets_of_well_known_shapes_are_replaced_in_texts_in_values_and_keys_of_objects_and_in_errors(
    text: str, secret: str
) -> None:
    content = Content(True)
    for given in (text, {"text": text}, {"deep": [{text: f'a "quoted" {text}'}]}, ValueError(text)):
        recorded = content.text(given)
        assert recorded is not None and "[redacted]" in recorded
        assert secret not in recorded and json.dumps(secret)[1:-1] not in recorded


def test_the_known_shapes_are_those_of_the_typescript_client() -> None:
    source = Path(__file__).resolve().parents[2] / "packages" / "sdk" / "src" / "secret-patterns.ts"
    theirs = re.findall(r"^  /(.+)/(i?),$", source.read_text("utf-8"), re.MULTILINE)
    ours = [
        (
            pattern.pattern.replace(r"\"", '"').replace("//", r"\/\/").replace(r"\Z", "$"),
            "i" if pattern.flags & re.I else "",
        )
        for pattern in SECRET_PATTERNS
    ]
    assert ours == theirs


def test_what_only_looks_a_little_like_a_secret_is_left() -> None:
    text = "risk-free desk-based, Bearer of news, https://example.org:8080/a@b, task-1, basic rules, AKIAs"
    assert Content(True).text(text) == text


def test_a_list_of_ones_own_takes_the_place_of_the_known_shapes_strings_as_they_are_and_expressions_everywhere() -> (
    None
):
    content = Content(True, redact=['a+"b"', re.compile(r"cust-\d+"), ""])
    assert content.text('1 cust-1 cust-22 a+"b" aab') == "1 [redacted] [redacted] [redacted] aab"
    assert content.text({"said": 'a+"b"'}) == '{"said":"[redacted]"}'
    assert content.text(f"sk-{letters(32)}") == f"sk-{letters(32)}"


def test_a_text_is_cut_to_whole_characters_within_the_limit_behind_the_redaction_and_says_so() -> None:
    content = Content(True, max_content_bytes=10)
    assert content.text("0123456789") == "0123456789"
    assert content.text("012345678é") == "012345678… [cut: 11 bytes]"
    assert content.text(f"12345 sk-{letters(32)}") == "12345 [red… [cut: 16 bytes]"
    assert Content(True, max_content_bytes=0).text("secret") == "… [cut: 6 bytes]"


def test_whatever_is_captured_is_within_what_the_daemon_takes_as_one_event() -> None:
    content = Content(True, max_content_bytes=240 * 1024)
    for character in ("\0", '"', "é", "\ud800", "x"):
        recorded = content.text(character * 1_000_000)
        assert recorded is not None
        assert len(json.dumps(recorded, ensure_ascii=False).encode("utf-8", "surrogatepass")) < 250 * 1024
    for max_content_bytes in (-1, 240 * 1024 + 1):
        with pytest.raises(InvalidRequestError):
            Content(max_content_bytes=max_content_bytes)


def test_what_is_no_json_is_recorded_as_it_says_it_is() -> None:
    circle: list[object] = []
    circle.append(circle)
    content = Content(True)
    assert content.text(circle) == "[[...]]"
    assert content.text({1}) == "{1}"
    assert content.text(None) is None


def test_without_capture_content_nothing_is_left_of_a_content_and_of_an_error_only_its_kind() -> None:
    content = Content()
    assert content.text("secret") is None
    assert content.error("secret") is None
    assert content.error(TypeError("secret")) == "TypeError"
    assert content.error(SandboxEndedError("secret")) == "SANDBOX_ENDED"
    assert Content(True).error(TypeError("said")) == "TypeError: said"


def test_a_long_text_takes_no_longer_than_its_length() -> None:
    content = Content(True, max_content_bytes=100)
    # Each would take minutes where an expression went back and forth.
    for piece in ("a.", "http://", "://:", "-----BEGIN PRIVATE KEY-----", "Bearer ", "eyJ", "sk-"):
        recorded = content.text(piece * 100_000)
        assert recorded is not None and ("cut: " in recorded or "redacted" in recorded)
