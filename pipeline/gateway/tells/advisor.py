"""Frames about an advisor's structure. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.gateway.tells.frames import frame


def advisor_data(kind: int, xml: str) -> bytes:
    return frame(16, 1, kind, xml)


def replaced(req_id: int, text: str) -> bytes:
    return frame(103, req_id, text)


def family_codes(codes: Iterable[tuple[str, str]]) -> bytes:
    """Account and family code of each."""
    rows = list(codes)
    return frame(78, len(rows), *(part for row in rows for part in row))
