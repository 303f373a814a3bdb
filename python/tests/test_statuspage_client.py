"""A published client of Statuspage, unmodified, reads the daemon's `/api/v2` as that of a page there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.daemon import Daemon

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="the client asks for Python 3.11")

PAGE = "https://status.example.com"
TITLE = 'Exports are "late" & <slow>'
#: Labels of a sample, and its value.
Samples = list[tuple[dict[str, str], float]]


@pytest.fixture(scope="module")
def watched() -> Iterator[Daemon]:
    watching = ["--status-enabled", "--status-interval-ms", "1000", "--no-status-canary-enabled"]
    with Daemon(args=[*watching, "--status-url", PAGE, "--status-title", "Acme"]) as daemon:
        yield daemon


class Client:
    """`statuspage-prometheus-exporter`: asks once, and writes what it understood as metrics."""

    def __init__(self, daemon: Daemon, directory: Path) -> None:
        self._directory = directory
        service = {"url": f"{daemon.url}/api/v2/summary.json", "name": "Acme"}
        (directory / "services.json").write_text(json.dumps({"acme": service}))

    def look(self) -> dict[str, Samples]:
        written = self._directory / "metrics.prom"
        env = {
            **os.environ,
            "RUN_MODE": "once",
            "SERVICES_JSON_PATH": str(self._directory / "services.json"),
            "METRICS_TEXTFILE_PATH": str(written),
        }
        program = Path(sys.executable).parent / "statuspage-prometheus-exporter"
        done = subprocess.run(
            [str(program)], cwd=self._directory, env=env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return {
            family.name.removeprefix("statuspage_"): [
                (dict(sample.labels), sample.value) for sample in family.samples
            ]
            for family in text_string_to_metric_families(written.read_text())
        }


def say(daemon: Daemon, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {daemon.api_key}"}
    answer = httpx.request(method, daemon.url + path, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


def test_it_sees_components_incidents_and_maintenance_come_and_go(watched: Daemon, tmp_path: Path) -> None:
    client = Client(watched, tmp_path)
    before = client.look()
    assert [value for _, value in before["probe_check"]] == [1]
    assert [value for _, value in before["service_status"]] == [1]
    well = {labels["component_name"]: value for labels, value in before["component_status"]}
    assert well == {"API": 1, "Warm pool": 1, "Event log": 1, "Store": 1}

    incident = say(
        watched,
        "POST",
        "/v1/incidents",
        {
            "title": TITLE,
            "message": "We look into it.",
            "components": {"store": "partial_outage", "log": "degraded_performance"},
        },
    )
    begin = datetime.now(timezone.utc) + timedelta(hours=1)
    maintenance = say(
        watched,
        "POST",
        "/v1/maintenances",
        {
            "title": "New disks",
            "message": "The host restarts.",
            "components": ["api"],
            "startsAt": begin.isoformat(),
            "endsAt": (begin + timedelta(hours=1)).isoformat(),
        },
    )
    during = client.look()
    assert [value for _, value in during["service_status"]] == [0]
    states = {labels["component_name"]: value for labels, value in during["component_status"]}
    assert states == {"API": 1, "Warm pool": 1, "Event log": 0, "Store": 0}
    [(told, is_open)] = during["incident_info"]
    affected = set(told.pop("affected_components").split(", "))
    assert (affected, is_open) == ({"Store", "Event log"}, 1)
    assert told == {
        "service_name": "Acme",
        "incident_id": incident["id"],
        "incident_name": TITLE,
        "impact": "major",
        "shortlink": f"{PAGE}/status/incidents/{incident['id']}",
        "started_at": whole_seconds(incident["openedAt"]),
    }
    [(planned, is_planned)] = during["maintenance_info"]
    assert (planned["maintenance_id"], is_planned) == (maintenance["id"], 1)
    assert (planned["maintenance_name"], planned["affected_components"]) == ("New disks", "API")
    assert planned["scheduled_start"] == whole_seconds(maintenance["startsAt"])
    assert planned["scheduled_end"] == whole_seconds(maintenance["endsAt"])

    over = {"message": "It is well again.", "status": "resolved"}
    say(watched, "POST", f"/v1/incidents/{incident['id']}/updates", over)
    after = client.look()
    assert [value for _, value in after["service_status"]] == [1]
    assert {value for _, value in after["component_status"]} == {1}
    assert not [labels for labels, value in after["incident_info"] if value == 1]


def whole_seconds(time: str) -> str:
    """As the client cuts it."""
    return f"{time[:19]}Z"
