"""What sandboxes, agents and the daemon measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._call import Call, listed
from .._decode import decode
from .._later import models
from .transport import AsyncTransport

if TYPE_CHECKING:
    from ..models import MetricAggregation, MetricInfo, MetricSeriesList


class AsyncMetrics:
    """Metrics over time. Reached as `client.metrics`."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def names(self) -> list[MetricInfo]:
        """The metrics that there are, in the order of their names, with what each can be grouped by; at most 2000."""
        answer = await self._transport.json(Call("queryMetrics"))
        return [decode(models.MetricInfo, item) for item in answer["items"]]

    async def series(
        self,
        name: str,
        *,
        since: str | None = None,
        until: str | None = None,
        step_ms: int | None = None,
        aggregation: MetricAggregation | None = None,
        group_by: str | Sequence[str] | None = None,
        filter: str | Sequence[str] | None = None,
        sandbox_id: str | None = None,
        run_id: str | None = None,
        limit: int | None = None,
    ) -> MetricSeriesList:
        """One metric over time; no series where nothing of that name is stored.

        Args:
            since: ISO 8601 with its zone; default: an hour before `until`
            until: before then; default: now
            step_ms: of each point; longer where there would be more than 1500. Default: such that there are about a hundred
            aggregation: how the points of a step become one. Default: `avg` of a gauge, `rate` of a counter, `p95` of a histogram
            group_by: names of attributes, at most 8: a series for each of their values. Default: one series
            filter: `name=value` of an attribute; of several, all
            sandbox_id: only what this sandbox says
            run_id: only what this run says
            limit: series in the answer, 1 to 500; default 100

        Example:
            client.metrics.series("sandglass.exec.duration", aggregation="p95", group_by="sandglass.cause")
        """
        query = {
            "name": name,
            "since": since,
            "until": until,
            "stepMs": step_ms,
            "aggregation": aggregation,
            "groupBy": listed(group_by),
            "filter": listed(filter),
            "sandboxId": sandbox_id,
            "runId": run_id,
            "limit": limit,
        }
        return decode(models.MetricSeriesList, await self._transport.json(Call("queryMetrics", query=query)))
