from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

import pytest

from sandglass import LogEntry, MissedLogs, StreamError
from sandglass._async.client import AsyncClient
from sandglass._async.runtime import sleep
from tests.support.daemon import Daemon
from tests.support.scripted_server import Response, ScriptedServer, SeenRequest

#: The beginning of a minute that is over, in Unix seconds.
BEGIN = int(time.time() / 60 - 3) * 60


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(daemon.url, daemon.api_key) as made:
        yield made


def at(seconds: float) -> str:
    return f"{BEGIN + seconds:.0f}000000000"


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(BEGIN + seconds, timezone.utc).isoformat()


def attributes_of(values: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def resource_of(service: str) -> dict[str, Any]:
    return {"attributes": attributes_of({"service.name": service})}


def send(daemon: Daemon, signal: str, body: dict[str, Any]) -> None:
    headers = {"authorization": f"Bearer {daemon.api_key}", "content-type": "application/json"}
    request = urllib.request.Request(f"{daemon.url}/otlp/v1/{signal}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def send_log(
    daemon: Daemon, service: str, text: str, attributes: dict[str, str] | None = None, seconds: int = 0
) -> None:
    record = {"timeUnixNano": at(seconds), "severityNumber": 13, "body": {"stringValue": text}}
    scope_logs = [{"logRecords": [{**record, "attributes": attributes_of(attributes or {})}]}]
    send(daemon, "logs", {"resourceLogs": [{"resource": resource_of(service), "scopeLogs": scope_logs}]})


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + 60
    while not await condition():
        assert time.monotonic() < deadline
        await sleep(0.05)


@contextmanager
def again_and_again(work: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Does `work` until what it gives is called: when something is seen of it, somebody follows."""
    is_over = threading.Event()

    def repeat() -> None:
        while not is_over.is_set():
            work()

    thread = threading.Thread(target=repeat)
    thread.start()

    def end() -> None:
        is_over.set()
        thread.join()

    try:
        yield end
    finally:
        end()


@pytest.mark.anyio
async def test_log_records_are_told_as_they_come_those_alone_that_were_asked_for_until_the_loop_is_left(
    daemon: Daemon, client: AsyncClient
) -> None:
    attributes = {"kind": "a,b", "size": "2"}
    seen: list[str] = []
    is_following = False
    with again_and_again(lambda: send_log(daemon, "barn", "a needle to begin with", attributes)) as begun:
        async for line in client.logs.tail(
            search="needle* -hay", service="barn", min_severity=13, attribute=["kind=a,b", "size=2"]
        ):
            assert isinstance(line, LogEntry)
            if not is_following:
                is_following = True
                begun()
                send_log(daemon, "barn", "a needle in the hay", attributes)
                send_log(daemon, "barn", "another needle", {"kind": "a,b"})
                send_log(daemon, "barn", "needles, two of them", attributes)
            if "begin" not in line.body:
                seen.append(line.body)
                break
    assert seen == ["needles, two of them"]


@pytest.mark.anyio
async def test_a_following_of_log_records_that_breaks_or_ends_is_an_error_which_says_since_when_to_ask_for_them() -> (
    None
):
    timestamp = "2026-04-18T14:00:00.000000Z"

    def script(_: SeenRequest, response: Response, count: int) -> None:
        response.begin()
        lines = json.dumps({"timestamp": timestamp, "body": "one"}) + '\n{"type":"gap","missed":3}\n'
        if count == 1:
            response.write(lines)
            response.destroy()
        else:
            response.end(lines)

    with ScriptedServer(script) as server:
        client = AsyncClient(server.url, "k", stream_retries=3)
        for count in (1, 2):
            seen: list[str | int] = []
            with pytest.raises(StreamError) as raised:
                async for line in client.logs.tail():
                    seen.append(line.missed if isinstance(line, MissedLogs) else line.body)
            assert timestamp in str(raised.value)
            assert (seen, len(server.requests)) == (["one", 3], count)


@pytest.mark.anyio
async def test_log_records_are_found_by_words_and_attributes_and_with_what_was_said_around_them(
    daemon: Daemon, client: AsyncClient
) -> None:
    # The daemon is one for several runs of this: each has a service of its own.
    service = f"mill-{time.time_ns()}"
    for n in range(5):
        kind = "a,b" if n % 2 == 0 else "b"
        send_log(daemon, service, f"grain number {n}", {"kind": kind, "n": str(n)}, n)

    async def are_stored() -> bool:
        return len((await client.logs.list(service=service)).items) == 5

    await until(are_stored)

    def bodies(items: list[LogEntry]) -> list[str]:
        return sorted(item.body[-1] for item in items)

    words = await client.logs.list(
        search="grain -3", service=service, attribute="kind=a,b", since=iso(0), until=iso(10)
    )
    assert bodies(words.items) == ["0", "2", "4"]
    both = await client.logs.list(service=service, attribute=["kind=a,b", "n=2"])
    assert bodies(both.items) == ["2"]
    around = await client.logs.list(around=both.items[0].id, lines=1)
    assert bodies(around.items) == ["1", "2", "3"]


@pytest.mark.anyio
async def test_traces_are_found_by_their_longest_duration_all_of_several_attributes_and_their_template(
    daemon: Daemon, client: AsyncClient
) -> None:
    service = f"press-{time.time_ns()}"

    def span(identity: str, seconds: int, more: dict[str, str]) -> dict[str, Any]:
        return {
            "traceId": f"{time.time_ns():016x}{identity * 16}",
            "spanId": identity * 16,
            "name": f"job {identity}",
            "kind": 1,
            "startTimeUnixNano": at(0),
            "endTimeUnixNano": at(seconds),
            "attributes": attributes_of({"kind": "a,b", **more}),
        }

    spans = [span("a", 1, {"n": "1"}), span("b", 9, {"n": "1"}), span("c", 1, {"n": "2"})]
    send(
        daemon,
        "traces",
        {"resourceSpans": [{"resource": resource_of(service), "scopeSpans": [{"spans": spans}]}]},
    )

    async def are_stored() -> bool:
        return len((await client.traces.list(service=service)).items) == 3

    await until(are_stored)
    attribute = ["kind=a,b", "n=1"]
    found = await client.traces.list(service=service, max_duration_ms=5000, attribute=attribute)
    assert [trace.name for trace in found.items] == ["job a"]
    assert (await client.traces.list(service=service, template="bash", attribute=attribute)).items == []


@pytest.mark.anyio
async def test_metrics_are_listed_with_what_they_can_be_grouped_by_and_asked_for_over_time_in_groups(
    daemon: Daemon, client: AsyncClient
) -> None:
    name = f"queue.size_{time.time_ns()}"

    def point(region: str, seconds: int, value: float) -> dict[str, Any]:
        return {
            "timeUnixNano": at(seconds),
            "asDouble": value,
            "attributes": attributes_of({"region": region}),
        }

    points = [
        point("north, upper", 0, 1),
        point("north, upper", 30, 3),
        point("north, upper", 60, 8),
        point("south", 0, 10),
    ]
    metrics = [{"name": name, "unit": "{item}", "description": "Waiting", "gauge": {"dataPoints": points}}]
    send(
        daemon,
        "metrics",
        {"resourceMetrics": [{"resource": resource_of("shop"), "scopeMetrics": [{"metrics": metrics}]}]},
    )

    async def is_stored() -> bool:
        return any(info.name == name for info in await client.metrics.names())

    await until(is_stored)
    info = next(info for info in await client.metrics.names() if info.name == name)
    assert (info.type, info.unit, info.description, info.points) == ("gauge", "{item}", "Waiting", 4)
    assert "region" in info.attributes

    minute, since, end = 60_000, iso(0), iso(120)
    grouped = await client.metrics.series(
        name, since=since, until=end, step_ms=minute, aggregation="max", group_by=["region"]
    )
    assert (grouped.type, grouped.aggregation, grouped.step_ms) == ("gauge", "max", minute)
    begin = BEGIN * 1000
    assert [(each.attributes, each.points) for each in grouped.series] == [
        ({"region": "north, upper"}, [[begin, 3], [begin + minute, 8]]),
        ({"region": "south"}, [[begin, 10]]),
    ]
    filtered = await client.metrics.series(
        name,
        since=since,
        until=end,
        step_ms=minute,
        filter=["region=north, upper", "service.name=shop"],
    )
    assert [each.points[0] for each in filtered.series] == [[begin, 2]], "the average, of this one"
    limited = await client.metrics.series(
        name, since=since, until=end, step_ms=minute, group_by="region", limit=1
    )
    assert (len(limited.series), limited.omitted_series) == (1, 1)
    assert (await client.metrics.series("no.such")).series == []
