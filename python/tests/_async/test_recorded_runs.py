from __future__ import annotations

import pytest

from sandglass import RecordInUseError, RunNotFoundError
from sandglass._async.client import AsyncClient
from sandglass.models import DeletionResult
from tests.support.daemon import Daemon


@pytest.mark.anyio
async def test_a_run_says_what_it_did_what_it_cost_and_what_failed(daemon: Daemon) -> None:
    async with AsyncClient(daemon.url, daemon.api_key) as client:
        async with client.run("report of everything", agent="analyst") as run:
            sandbox = await run.sandboxes.create("bash")
            await sandbox.commands.run("true")
            await sandbox.commands.run("exit 3")
            run.llm("large", input_tokens=10, output_tokens=2, cost_usd=0.25)
            await sandbox.terminate()
        page = await client.runs.list(name="of EVERYTHING", status="ok", limit=5)
        assert page.items[0].run_id == run.run_id
        detail = await client.runs.get(run.run_id)
        assert (detail.name, detail.agent, detail.status) == ("report of everything", "analyst", "ok")
        assert (detail.sandboxes, detail.execs, detail.failures) == (1, 2, 1)
        assert [(model.model, model.cost_usd) for model in detail.models] == [("large", 0.25)]
        assert [(box.id, box.state, box.cause) for box in detail.sandbox_list] == [
            (sandbox.id, "terminated", "user")
        ]
        assert [(failure.cause, failure.exit_code) for failure in detail.failure_list] == [("exited", 3)]
        with pytest.raises(RunNotFoundError):
            await client.runs.get("run_unknown")


@pytest.mark.anyio
async def test_a_run_is_deleted_with_its_sandbox_once_it_is_complete(daemon: Daemon) -> None:
    async with AsyncClient(daemon.url, daemon.api_key) as client:
        async with client.run("short") as run:
            sandbox = await run.sandboxes.create("bash")
            with pytest.raises(RecordInUseError):
                await client.runs.delete(run.run_id)
            with pytest.raises(RecordInUseError):
                await client.sandboxes.delete_record(sandbox.id)
            await sandbox.terminate()
        deleted = await client.runs.delete(run.run_id)
        assert deleted.sandboxes == 1 and deleted.events > 5 and deleted.bytes > 1000
        with pytest.raises(RunNotFoundError):
            await client.runs.get(run.run_id)
        assert await client.sandboxes.delete_record(sandbox.id) == DeletionResult(0, 0, 0)
