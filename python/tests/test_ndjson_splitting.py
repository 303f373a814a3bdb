"""Streams of random bytes, cut at random places: whatever the pieces are, the values are the same."""

from __future__ import annotations

import json
import os
import random
from typing import Any

from sandglass import StreamError
from sandglass._ndjson import NdjsonParser

ROUNDS = 3000
MAX_LINE_BYTES = 200
PIECES = [
    *[
        b"\n",
        b"\r\n",
        b"\r",
        b"\n\n",
        b" ",
        b"\0",
        b"{}",
        b'{"seq":0,"data":"a\\n"}',
        b"[1,2]",
        b"null",
        b"true",
    ],
    *["ä€😀".encode(), b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\xff", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f"],
    *[b'"', b"\\", b'"\\ud800"', b"1e999", b"NaN", b"-0", b"12345678901234567890", b"[" * 40, b"x" * 70],
    *[b'{"a":1}\n', b'"three"\n', b"2\r\n"],
]
#: Tried in every run: where splitting goes wrong first.
KEPT = [
    b"[" * 190 + b"\n",
    b'"' + b"x" * MAX_LINE_BYTES + b'"\n',
    b"NaN\n",
    b"\xff\n",
    b"\xef\xbb\xbf{}\n",
    b'"\xe2\x82\xac"\r\n\r\n',
]


def parse(chunks: list[bytes], limit: int = MAX_LINE_BYTES) -> tuple[list[Any], bool]:
    """What came of it up to the first error, which is the client's own."""
    parser = NdjsonParser(limit)
    values: list[Any] = []
    for chunk in chunks:
        try:
            values.extend(parser.push(chunk))
        except StreamError as error:
            assert len(str(error)) < 1000, "the error repeats it all"
            return values, True
        assert parser.pending_bytes <= limit
    return values, False


def cut(stream: bytes, draw: random.Random) -> list[bytes]:
    at = sorted(draw.randrange(len(stream) + 1) for _ in range(draw.randrange(8)))
    return [stream[begin:end] for begin, end in zip([0, *at], [*at, len(stream)], strict=True)]


def check(stream: bytes, draw: random.Random) -> None:
    lines = stream.split(b"\n")[:-1]
    sound = [parsed(line) for line in lines if line not in (b"", b"\r")]
    until = next((index for index, value in enumerate(sound) if value is None), len(sound))
    is_short = all(len(line) <= MAX_LINE_BYTES for line in stream.split(b"\n"))
    expected = [json.dumps(value[0]) for value in sound[:until] if value is not None]
    for chunks in ([stream], cut(stream, draw), [stream[at : at + 1] for at in range(len(stream))]):
        values, is_broken = parse(chunks)
        told = [json.dumps(value) for value in values]
        assert told == expected[: len(told)], "values that nobody sent"
        if is_short:
            assert is_broken == (until < len(sound))
        if not is_broken:
            assert told == expected


def parsed(line: bytes) -> tuple[Any] | None:
    """None where the line is no JSON."""
    try:
        return (json.loads(line),)
    except (ValueError, RecursionError):
        return None


def test_a_stream_gives_the_same_values_wherever_it_is_cut() -> None:
    seed = int(os.environ.get("SANDGLASS_FUZZ_SEED") or random.randrange(2**31))
    draw = random.Random(seed)
    streams = [*KEPT, *(b"".join(draw.choices(PIECES, k=draw.randrange(1, 12))) for _ in range(ROUNDS))]
    for stream in streams:
        try:
            check(stream, draw)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {stream!r}") from error


def test_a_line_of_many_brackets_is_an_error_of_the_client_as_every_other_that_is_no_json() -> None:
    for text in (b"[" * 200_000, b'{"a":' * 200_000):
        values, is_broken = parse([text + b"\n"], 10**7)
        assert (values, is_broken) == ([], True)
