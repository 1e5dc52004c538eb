"""What an advisor's client asks about groups, aliases and models."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.gateway.asks.fields import Fields, Reader
from pipeline.gateway.asks.request import Request


@dataclass(frozen=True, slots=True)
class AdvisorData(Request):
    """The configuration of one kind: 1 groups, 2 profiles, 3 aliases."""

    kind: int = 0


@dataclass(frozen=True, slots=True)
class ReplaceAdvisorData(Request):
    kind: int = 0
    xml: str = ""


def _data(f: Fields) -> Request:
    f.skip()
    return AdvisorData(kind=f.integer())


def _replace(f: Fields) -> Request:
    f.skip()
    kind, xml = f.integer(), f.text()
    return ReplaceAdvisorData(f.id(), kind, xml)


READERS: dict[int, Reader] = {18: _data, 19: _replace}
