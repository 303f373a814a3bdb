"""What the API answers about metrics; public as part of `sandglass.models`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

MetricType: TypeAlias = Literal["gauge", "counter", "histogram"]
MetricAggregation: TypeAlias = Literal[
    "avg", "min", "max", "sum", "rate", "count", "last", "p50", "p90", "p95", "p99"
]


@dataclass(frozen=True)
class MetricInfo:
    """A metric that the store has points of."""

    name: str
    type: MetricType
    #: UCUM, e.g. `s`, `By`, `1`; "" where nothing is said.
    unit: str
    description: str
    #: What its series can be grouped by and filtered with, sorted; at most 100.
    attributes: list[str]
    #: Points that came so far, also such as went by retention.
    points: int
    #: Time of the newest.
    last_at: str


@dataclass(frozen=True)
class MetricSeries:
    #: Of what was grouped by; "" where a series does not have it.
    attributes: dict[str, str]
    #: Pairs: beginning of the step in Unix milliseconds, and the value; steps without points are left out.
    points: list[list[float]]


@dataclass(frozen=True)
class MetricSeriesList:
    """One metric over time."""

    name: str
    type: MetricType
    unit: str
    description: str
    aggregation: MetricAggregation
    since: str
    until: str
    #: Of each step; longer than asked for where there would be more than 1500.
    step_ms: int
    #: Those with the most points first, then by their attributes.
    series: list[MetricSeries]
    #: Groups beyond `limit`.
    omitted_series: int
    #: Whether there was more than is read for one answer: ask for less time, or filter.
    is_partial: bool
